import type { Answers } from 'oxbow/client';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ReplaySubject, type Subject } from 'rxjs';
import { type Client, type ModelInfo, messageOf } from '../live.js';
import {
  colourOf,
  restOf,
  retagged,
  type Selection,
  selected,
  slotOf,
  slotsOf,
  type TaggedWord,
  wordsOf,
} from '../logic/utterance.js';
import { Card, Field, Outcome } from '../parts/card.js';
import { useRunning } from '../parts/hooks.js';

const COLOURS = 6;

/** What the server has of the utterance that is being typed. */
interface Sent {
  /** Words for the server; the utterance ends with it. */
  readonly words$: Subject<readonly string[]>;
  readonly words: readonly string[];
  unsubscribe(): void;
}

/** Words as they are typed, with their slots; a click on a word and another slot for it is a correction, which is learnt at once. */
export function Slots({ client, model }: { readonly client: Client; readonly model: ModelInfo }) {
  const [text, setText] = useState('');
  const [words, setWords] = useState<readonly TaggedWord[]>([]);
  const [final, setFinal] = useState<Answers['tagged'] | undefined>(undefined);
  const [selection, setSelection] = useState<Selection | undefined>(undefined);
  const [slot, setSlot] = useState('');
  const [outcome, setOutcome] = useState<{ said?: string; problem?: string }>({});
  const sent = useRef<Sent | undefined>(undefined);
  const learning = useRunning();
  const known = slotsOf([...(model.tags ?? []), ...words.flatMap(({ tag }) => tag ?? [])]);

  const leave = () => {
    sent.current?.unsubscribe();
    sent.current = undefined;
  };
  useEffect(() => leave, [client, model.name]);

  function begin(): Sent {
    leave();
    setWords([]);
    setFinal(undefined);
    setSelection(undefined);
    // What is typed before there is a connection waits in it.
    const words$ = new ReplaySubject<readonly string[]>();
    const subscription = client.tag(words$, { model: model.name }).subscribe({
      next(tagged) {
        setWords((before) => retagged(tagged.final ? [] : before, tagged.words));
        if (!tagged.final) return;
        setFinal(tagged);
        const found = tagged.slots?.map(({ slot: name, value }) => `${name}: ${value}`).join(', ');
        setOutcome((before) => ({ said: `${before.said ?? ''} ${found ? `Slots: ${found}.` : 'No slots.'}`.trim() }));
      },
      error: (error) => setOutcome({ problem: messageOf(error) }),
    });
    return { words$, words: [], unsubscribe: () => subscription.unsubscribe() };
  }

  /** Sends what the server does not have yet. */
  function send(typed: string, isWhole: boolean): void {
    const all = wordsOf(typed, isWhole);
    let rest = final === undefined && sent.current ? restOf(sent.current.words, all) : undefined;
    if (rest === undefined) {
      if (all.length === 0) {
        leave();
        return;
      }
      sent.current = begin();
      rest = all;
    }
    const now = sent.current ?? begin();
    if (rest.length > 0) now.words$.next(rest);
    sent.current = { ...now, words: all };
    if (isWhole && all.length > 0) now.words$.complete();
  }

  function teach(): void {
    if (selection === undefined || final?.utterance === undefined) {
      setOutcome({ problem: 'Select the words of the slot first: press them.' });
      return;
    }
    if (slot.trim() === '') {
      setOutcome({ problem: 'Say which slot the words are, or O for none.' });
      return;
    }
    setOutcome({});
    const correction = { slot: slot.trim(), start: selection.start, end: selection.end };
    learning.start(() =>
      client.correct({ model: model.name, utterance: final.utterance as string, corrections: [correction] }).subscribe({
        next({ loss, step }) {
          setOutcome({ said: `Learnt at update ${step}, loss ${loss.toFixed(3)}.` });
          // What it makes of the same words now.
          sent.current = begin();
          send(words.map(({ word }) => word).join(' '), true);
        },
        error: (error) => setOutcome({ problem: messageOf(error) }),
      }),
    );
  }

  return (
    <Card
      id="slots"
      title="Slots"
      hint="Type what somebody might say; each word gets its slot as it comes. Where one is wrong, press its words and say what they are."
      wide
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setOutcome({});
          send(text, true);
        }}
      >
        <Field id="utterance" label="Utterance">
          <input
            id="utterance"
            class="long"
            autocomplete="off"
            value={text}
            onInput={(event) => {
              setText(event.currentTarget.value);
              send(event.currentTarget.value, false);
            }}
          />
        </Field>
        <button id="utterance-end" type="submit">
          That is all
        </button>
      </form>
      <ul id="words" class="words" aria-label="Words and their slots">
        {words.map(({ word, tag, probability }, at) => {
          const name = slotOf(tag);
          const isSelected = selection !== undefined && at >= selection.start && at < selection.end;
          return (
            // Words have no identity but their place.
            <li key={at}>
              <button
                type="button"
                class={name === undefined ? 'word' : `word slot${colourOf(name, COLOURS)}`}
                aria-pressed={isSelected}
                aria-disabled={final === undefined}
                title={`${Math.round(100 * probability)} %`}
                onClick={() => final !== undefined && setSelection(selected(selection, at))}
              >
                {word}
                <small>{name ?? (tag === undefined ? '…' : 'none')}</small>
              </button>
            </li>
          );
        })}
      </ul>
      {final !== undefined && (
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault();
            teach();
          }}
        >
          <Field id="slot" label="The pressed words are">
            <input
              id="slot"
              list="slot-names"
              autocomplete="off"
              value={slot}
              onInput={(event) => setSlot(event.currentTarget.value)}
            />
          </Field>
          <datalist id="slot-names">
            {['O', ...known].map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
          <button id="slot-teach" type="submit">
            Teach it
          </button>
        </form>
      )}
      <Outcome id="slots" {...outcome} />
    </Card>
  );
}
