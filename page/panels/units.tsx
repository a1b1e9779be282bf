import type { Answers, Requests } from 'oxbow/client';
import { useState } from 'preact/hooks';
import { type Client, type ModelInfo, messageOf } from '../live.js';
import { activationLevel, rangeOf } from '../logic/surprise.js';
import { Card, Field, Outcome, Scrolled } from '../parts/card.js';
import { Coloured, UnitLegend } from '../parts/coloured.js';
import { useRunning } from '../parts/hooks.js';

/** Has quotes, lines of several lengths, indentation, brackets, digits and capitals, so that units can be seen to follow them. */
const probe = `"Call me Ishmael," he said. Some years ago (in 1839)
    I went to sea; "and what for?" asked the captain.
"To see the watery part of the world," I said,
        "and to drive off the spleen."
He laughed. So did I.

    There is nothing surprising in this: almost all men in their degree cherish the same feelings (or nearly the same).
`;

interface Seen {
  readonly symbols: readonly string[];
  readonly found: Answers['units'];
}

/** A unit by the last name of its part: `c17`. */
const shortOf = ({ part, unit }: { readonly part: string; readonly unit: number }) =>
  `${part.split('.').at(-1)}${unit}`;

/** What a hidden unit does over a text, and which ones go with what the text is made of. */
export function Units({ client, model }: { readonly client: Client; readonly model: ModelInfo }) {
  const [text, setText] = useState(probe);
  const [part, setPart] = useState<string | undefined>(undefined);
  const [unit, setUnit] = useState('0');
  const [seen, setSeen] = useState<Seen | undefined>(undefined);
  const [outcome, setOutcome] = useState<{ said?: string; problem?: string }>({});
  const running = useRunning();

  function look(choice: Pick<Requests['units'], 'unit' | 'feature'>): void {
    const symbols = Array.from(text);
    setOutcome({});
    running.start(() =>
      client.units({ model: model.name, text, ...choice }).subscribe({
        next(found) {
          setSeen({ symbols, found });
          setPart(found.shown.part);
          setUnit(String(found.shown.unit));
          setOutcome({ said: `Unit ${found.shown.unit} of ${found.shown.part} is shown.` });
        },
        error: (error) => setOutcome({ problem: messageOf(error) }),
      }),
    );
  }

  const parts = seen?.found.parts ?? [];
  const activations = seen?.found.shown.activations ?? [];
  const range = rangeOf(activations);
  return (
    <Card
      id="units"
      title="Hidden units"
      hint="What a single unit does over a text. Some follow quotes, the length of a line, or its indentation."
      wide
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const number = Number(unit);
          if (part === undefined) return look({});
          if (!Number.isInteger(number) || number < 0)
            return setOutcome({ problem: 'A unit is a whole number from 0.' });
          look({ unit: { part, unit: number } });
        }}
      >
        <Field id="units-text" label="A text to look at">
          <textarea id="units-text" rows={5} value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </Field>
        <div class="row">
          {parts.length > 0 && (
            <>
              <Field id="units-part" label="Part">
                <select id="units-part" value={part} onChange={(event) => setPart(event.currentTarget.value)}>
                  {parts.map(({ part: name, units }) => (
                    <option key={name} value={name}>
                      {`${name} (${units})`}
                    </option>
                  ))}
                </select>
              </Field>
              <Field id="units-unit" label="Unit">
                <input
                  id="units-unit"
                  inputMode="numeric"
                  autocomplete="off"
                  size={6}
                  value={unit}
                  onInput={(event) => setUnit(event.currentTarget.value)}
                />
              </Field>
            </>
          )}
          <button id="units-go" type="submit">
            Look
          </button>
        </div>
      </form>
      {seen !== undefined && (
        <>
          <Scrolled id="units-shown" class="text" label="The text by the unit’s activation">
            <Coloured
              symbols={seen.symbols}
              values={activations}
              levelOf={(value: number) => activationLevel(value, range)}
              scale="unit"
            />
          </Scrolled>
          <UnitLegend range={range} />
          <h3>Units that follow…</h3>
          <ul class="trackers">
            {seen.found.features.map(({ feature, best }) => (
              <li key={feature}>
                <span>{feature}</span>
                {best.map((each) => (
                  <button
                    key={`${each.part} ${each.unit}`}
                    type="button"
                    aria-pressed={each.part === seen.found.shown.part && each.unit === seen.found.shown.unit}
                    aria-label={`${shortOf(each)} ${each.correlation.toFixed(2)}: unit ${each.unit} of ${each.part} follows ${feature}`}
                    onClick={() => look({ unit: { part: each.part, unit: each.unit } })}
                  >
                    {shortOf(each)} <small>{each.correlation.toFixed(2)}</small>
                  </button>
                ))}
              </li>
            ))}
          </ul>
        </>
      )}
      <Outcome id="units" {...outcome} />
    </Card>
  );
}
