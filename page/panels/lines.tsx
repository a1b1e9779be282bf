import { catchError, of } from 'rxjs';
import { type Client, type ModelInfo, messageOf } from '../live.js';
import { shownCount } from '../logic/show.js';
import { Card, Scrolled } from '../parts/card.js';
import { useLatest, useShown } from '../parts/hooks.js';

/** The most surprising lines of what is being learnt. */
export function Lines({ client, model }: { readonly client: Client; readonly model: ModelInfo }) {
  const [element, isShown] = useShown<HTMLElement>();
  const latest = useLatest(
    () =>
      isShown
        ? client
            .lines({ model: model.name })
            .pipe(catchError((error) => of({ heard: 0, lines: [], problem: messageOf(error) })))
        : undefined,
    [client, model.name, isShown],
  );
  return (
    <Card
      id="lines"
      title="Strange lines"
      hint="Of the latest thousand lines that were learnt, those that surprised the model most, in bits a symbol."
      inner={element}
      wide
    >
      {latest === undefined || latest.lines.length === 0 ? (
        <p>
          {latest !== undefined && 'problem' in latest
            ? latest.problem
            : 'No whole line has been learnt since the page was opened.'}
        </p>
      ) : (
        <Scrolled class="scroll" label="Strange lines, as a table">
          <table>
            <caption>{shownCount(latest.heard)} lines were heard.</caption>
            <thead>
              <tr>
                <th scope="col">Bits</th>
                <th scope="col">Line</th>
              </tr>
            </thead>
            <tbody>
              {latest.lines.map(({ at, text, bitsPerSymbol }) => (
                <tr key={at}>
                  <td>{bitsPerSymbol.toFixed(2)}</td>
                  <td class="line">{text}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scrolled>
      )}
    </Card>
  );
}
