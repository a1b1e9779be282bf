import { useState } from 'preact/hooks';
import { type Client, type ModelInfo, messageOf } from '../live.js';
import { around, spoken, surpriseSummary } from '../logic/surprise.js';
import { Card, Field, Outcome, Scrolled } from '../parts/card.js';
import { Surprised, SurpriseLegend } from '../parts/coloured.js';
import { useRunning } from '../parts/hooks.js';

interface Scored {
  readonly symbols: readonly string[];
  readonly bits: readonly (number | null)[];
}

/** How surprising each symbol of a text is. */
export function Score({ client, model }: { readonly client: Client; readonly model: ModelInfo }) {
  const [text, setText] = useState('The river bends, and the river bends again.');
  const [scored, setScored] = useState<Scored | undefined>(undefined);
  const [outcome, setOutcome] = useState<{ said?: string; problem?: string }>({});
  const running = useRunning();

  function go(): void {
    setOutcome({});
    const symbols = Array.from(text);
    running.start(() =>
      client.score(text, { model: model.name }).subscribe({
        next({ bits }) {
          setScored({ symbols, bits });
          const { mean, passedOver } = surpriseSummary(symbols, bits);
          const over = passedOver > 0 ? ` The model does not know ${passedOver} of the symbols.` : '';
          setOutcome({ said: `${mean === undefined ? 'No symbol' : `${mean.toFixed(2)} bits a symbol`}.${over}` });
        },
        error: (error) => setOutcome({ problem: messageOf(error) }),
      }),
    );
  }

  const highest = scored === undefined ? [] : surpriseSummary(scored.symbols, scored.bits).highest;
  return (
    <Card id="score" title="Surprise">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          go();
        }}
      >
        <Field id="score-text" label="A text to score">
          <textarea id="score-text" rows={3} value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </Field>
        <button id="score-go" type="submit">
          Score
        </button>
      </form>
      {scored !== undefined && (
        <>
          <Scrolled id="scored" class="text" label="The text by its surprise">
            <Surprised {...scored} />
          </Scrolled>
          <SurpriseLegend />
          <details>
            <summary>The most surprising symbols</summary>
            <table>
              <thead>
                <tr>
                  <th scope="col">Symbol</th>
                  <th scope="col">In</th>
                  <th scope="col">Bits</th>
                </tr>
              </thead>
              <tbody>
                {highest.map(({ symbol, at, bits }) => (
                  <tr key={at}>
                    <th scope="row">{spoken(symbol)}</th>
                    <td>{around(scored.symbols, at)}</td>
                    <td>{bits.toFixed(1)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </details>
        </>
      )}
      <Outcome id="score" {...outcome} />
    </Card>
  );
}
