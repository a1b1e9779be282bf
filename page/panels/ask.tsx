import type { GenerationRequest } from 'oxbow/client';
import { useState } from 'preact/hooks';
import { bufferTime, filter, finalize, tap } from 'rxjs';
import { type Client, type ModelInfo, messageOf } from '../live.js';
import { nothingSaid, saidMore } from '../logic/said.js';
import { typedNumber } from '../logic/show.js';
import { Card, Field, Outcome, Scrolled } from '../parts/card.js';
import { Surprised } from '../parts/coloured.js';
import { useRunning } from '../parts/hooks.js';

const LOOK = 60;

/** What may be typed under "More", and its bounds; an empty field leaves it to the server. */
const more = [
  { name: 'length', label: 'Length', least: 1, isWhole: true },
  { name: 'topK', label: 'Top-k', least: 1, isWhole: true },
  { name: 'topP', label: 'Top-p', least: Number.MIN_VALUE, most: 1, isWhole: false },
  { name: 'minP', label: 'Min-p', least: 0, most: 1, isWhole: false },
  { name: 'seed', label: 'Seed', least: 0, isWhole: true },
] as const;
type More = (typeof more)[number]['name'];

/** A prompt, and what the model goes on with. */
export function Ask(props: {
  readonly client: Client;
  readonly model: ModelInfo;
  readonly onFirst: (ms: number) => void;
}) {
  const { client, model, onFirst } = props;
  const [prompt, setPrompt] = useState('Call me ');
  const [temperature, setTemperature] = useState(0.7);
  const [options, setOptions] = useState<Partial<Record<More, string>>>({ length: '200' });
  const [said, setSaid] = useState(nothingSaid);
  const [asked, setAsked] = useState('');
  const [isRunning, setRunning] = useState(false);
  const [outcome, setOutcome] = useState<{ said?: string; problem?: string }>({});
  const running = useRunning();

  function request(): GenerationRequest | string {
    const given: Partial<Record<More, number>> = {};
    for (const field of more) {
      const text = options[field.name] ?? '';
      if (text.trim() === '') continue;
      const value = typedNumber(text, field.least, 'most' in field ? field.most : Number.MAX_SAFE_INTEGER);
      if (value === undefined || (field.isWhole && !Number.isInteger(value)))
        return `${field.label} cannot be ${text}.`;
      given[field.name] = value;
    }
    return { prompt, temperature, surprisal: true, ...given };
  }

  function go(): void {
    const wanted = request();
    if (typeof wanted === 'string') {
      setOutcome({ problem: wanted });
      return;
    }
    const begun = performance.now();
    let all = nothingSaid;
    let isFirst = true;
    setSaid(all);
    setAsked(prompt);
    setOutcome({});
    setRunning(true);
    running.start(() =>
      client
        .generate({ model: model.name, ...wanted })
        .pipe(
          tap(() => {
            if (!isFirst) return;
            isFirst = false;
            onFirst(performance.now() - begun);
          }),
          bufferTime(LOOK),
          filter((answers) => answers.length > 0),
          finalize(() => setRunning(false)),
        )
        .subscribe({
          next(answers) {
            for (const answer of answers) {
              all = saidMore(all, answer.text, answer.surprisals);
            }
            setSaid(all);
          },
          error: (error) => setOutcome({ problem: messageOf(error) }),
          complete: () => setOutcome({ said: `The answer is complete: ${all.symbols.length} symbols.` }),
        }),
    );
  }

  function cancel(): void {
    running.stop();
    setOutcome({ said: `Cancelled after ${said.symbols.length} symbols.` });
  }

  return (
    <Card id="ask" title="Ask">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          go();
        }}
      >
        <Field id="prompt" label="Prompt">
          <textarea id="prompt" rows={3} value={prompt} onInput={(event) => setPrompt(event.currentTarget.value)} />
        </Field>
        <Field id="temperature" label={`Temperature: ${temperature.toFixed(2)}`}>
          <input
            id="temperature"
            type="range"
            min="0"
            max="2"
            step="0.05"
            value={temperature}
            onInput={(event) => setTemperature(Number(event.currentTarget.value))}
          />
        </Field>
        <details>
          <summary>More</summary>
          <div class="row">
            {more.map(({ name, label }) => (
              <Field key={name} id={`ask-${name}`} label={label}>
                <input
                  id={`ask-${name}`}
                  inputMode="decimal"
                  autocomplete="off"
                  size={7}
                  value={options[name] ?? ''}
                  onInput={(event) => setOptions({ ...options, [name]: event.currentTarget.value })}
                />
              </Field>
            ))}
          </div>
        </details>
        <div class="row">
          <button id="ask-go" type="submit" class="primary">
            Go on from it
          </button>
          <button id="ask-cancel" type="button" aria-disabled={!isRunning} onClick={() => isRunning && cancel()}>
            Cancel
          </button>
        </div>
      </form>
      <Scrolled id="answer" class="text" label="Answer" busy={isRunning}>
        <span class="asked">{asked}</span>
        <Surprised {...said} />
      </Scrolled>
      <Outcome id="ask" {...outcome} />
    </Card>
  );
}
