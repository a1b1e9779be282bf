import type { Answers, Requests } from 'oxbow/client';
import { useEffect, useState } from 'preact/hooks';
import { type Observable, tap } from 'rxjs';
import { type Client, type Metrics, type ModelInfo, messageOf } from '../live.js';
import { shownRate, typedNumber } from '../logic/show.js';
import { Card, Field, Outcome } from '../parts/card.js';
import { useRunning } from '../parts/hooks.js';

interface Props {
  readonly client: Client;
  readonly model: ModelInfo;
  readonly metrics: Metrics | undefined;
}

/** Learning on and off, its rate, a checkpoint, and a text to learn from. */
export function Controls({ client, model, metrics }: Props) {
  const [outcome, setOutcome] = useState<{ said?: string; problem?: string }>({});
  const [rate, setRate] = useState(shownRate(model.learningRate));
  const [isTyped, setTyped] = useState(false);
  const [text, setText] = useState('');
  const running = useRunning();
  // What the server has just answered holds until the next figures.
  const [answered, setAnswered] = useState<Answers['controlled'] | undefined>(undefined);
  useEffect(() => setAnswered(undefined), [metrics]);
  const { learning: isLearning, learningRate: now } = answered ?? metrics ?? model;
  useEffect(() => {
    if (!isTyped) setRate(shownRate(now));
  }, [now]);

  const control = (change: Omit<Requests['control'], 'type' | 'id' | 'model'>) =>
    client.control({ model: model.name, ...change }).pipe(tap((answer) => setAnswered(answer)));

  function ask<T>(answer$: Observable<T>, said: (answer: T) => string): void {
    setOutcome({});
    running.start(() =>
      answer$.subscribe({
        next: (answer) => setOutcome({ said: said(answer) }),
        error: (error) => setOutcome({ problem: messageOf(error) }),
      }),
    );
  }

  const learningIs = (on: boolean) => `Learning is ${on ? 'on' : 'off'}.`;
  const typed = typedNumber(rate, 0, 10);
  return (
    <Card id="controls" title="Control">
      <div class="row">
        <button
          id="learning-switch"
          type="button"
          role="switch"
          aria-checked={isLearning}
          onClick={() => ask(control({ learning: !isLearning }), ({ learning }) => learningIs(learning))}
        >
          <i class="knob" aria-hidden="true" />
          Learning
        </button>
        <button
          id="save"
          type="button"
          onClick={() =>
            ask(control({ save: true }), ({ saved }) =>
              saved
                ? 'A checkpoint is on the disk.'
                : 'Nothing was saved: the model has learnt nothing yet, or the server keeps it in no folder.',
            )
          }
        >
          Save a checkpoint
        </button>
      </div>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          if (typed === undefined) return setOutcome({ problem: 'A learning rate is a number from 0 to 10.' });
          setTyped(false);
          ask(
            control({ learningRate: typed }),
            ({ learningRate }) => `The learning rate is ${shownRate(learningRate)}.`,
          );
        }}
      >
        <Field id="learning-rate" label="Learning rate">
          <input
            id="learning-rate"
            inputMode="decimal"
            autocomplete="off"
            size={8}
            value={rate}
            onInput={(event) => {
              setTyped(true);
              setRate(event.currentTarget.value);
            }}
          />
        </Field>
        <button type="submit">Set</button>
      </form>
      {model.task === 'language' && model.learnsFor && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (text === '') return setOutcome({ problem: 'There is no text to learn from; type or paste one.' });
            ask(client.learn(text, { model: model.name }), ({ symbols }) => `${symbols} symbols wait to be learnt.`);
            setText('');
          }}
        >
          <Field id="lesson" label="A text to learn from">
            <textarea id="lesson" rows={4} value={text} onInput={(event) => setText(event.currentTarget.value)} />
          </Field>
          <button type="submit">Learn this</button>
        </form>
      )}
      <Outcome id="controls" {...outcome} />
    </Card>
  );
}
