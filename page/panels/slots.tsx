import type { Answers } from 'oxbow/client';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ReplaySubject, type Subject } from 'rxjs';
import { type Client, type ModelInfo, messageOf } from '../live.js';
import {
  colourOf,
  type Mark,
  marked,
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
  const [marks, setMarks] = useState<readonly Mark[]>([]);
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

  /** Sends what the server does not have yet; to an utterance that is over nothing can be added. */
  function send(all: readonly string[], isWhole: boolean, isOver: boolean): void {
    const rest = isOver || sent.current === undefined ? undefined : restOf(sent.current.words, all);
    if (rest === undefined && all.length === 0) {
      leave();
      return;
    }
    const now = rest === undefined ? begin() : (sent.current as Sent);
    if (rest === undefined || rest.length > 0) now.words$.next(rest ?? all);
    sent.current = { ...now, words: all };
    if (isWhole) now.words$.complete();
  }

  function type(typed: string, isWhole: boolean): void {
    setMarks([]);
    send(wordsOf(typed, isWhole), isWhole, final !== undefined);
  }

  function mark(): void {
    if (selection === undefined) setOutcome({ problem: 'Press the words of the slot first.' });
    else if (slot.trim() === '') setOutcome({ problem: 'Say which slot the words are, or O for none.' });
    else {
      setMarks(marked(marks, { ...selection, slot: slot.trim() }));
      setSelection(undefined);
      setOutcome({});
    }
  }

  function teach(): void {
    if (final?.utterance === undefined) return;
    const { utterance } = final;
    setOutcome({});
    learning.start(() =>
      client.correct({ model: model.name, utterance, ...(marks.length > 0 && { corrections: [...marks] }) }).subscribe({
        next({ loss, step }) {
          setOutcome({ said: `Learnt at update ${step}, loss ${loss.toFixed(3)}.` });
          // What it makes of the same words now.
          send(
            words.map(({ word }) => word),
            true,
            true,
          );
        },
        error: (error) => setOutcome({ problem: messageOf(error) }),
      }),
    );
  }

  return (
    <Card
      id="slots"
      title="Slots"
      hint="Type what somebody might say; each word gets its slot as it comes. Where one is wrong, press its words, mark what they are, and teach it."
      wide
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setOutcome({});
          type(text, true);
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
              type(event.currentTarget.value, false);
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
          const own = marks.find(({ start, end }) => at >= start && at < end);
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
                {own !== undefined && <small class="mark">{`→ ${own.slot === 'O' ? 'none' : own.slot}`}</small>}
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
            mark();
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
          <button id="slot-mark" type="submit">
            Mark
          </button>
          <button id="slot-teach" type="button" class="primary" onClick={teach}>
            {marks.length === 0 ? 'It is right' : 'Teach it'}
          </button>
        </form>
      )}
      <Outcome id="slots" {...outcome} />
    </Card>
  );
}
