import { useEffect, useRef, useState } from 'preact/hooks';
import { bufferTime, defer, filter, repeat, retry, tap, timer } from 'rxjs';
import type { Client, ModelInfo } from '../live.js';
import { nextPrompt, nothingSaid, saidMore } from '../logic/said.js';
import { Card, Scrolled } from '../parts/card.js';
import { Surprised, SurpriseLegend } from '../parts/coloured.js';
import { useShown } from '../parts/hooks.js';

const SHOWN = 1200;
/** Symbols a second, so that one can read along; and milliseconds between two looks, so that a slow link has few and short frames. */
const [RATE, LOOK] = [30, 200];
const RETRY_MS = 2000;

/** What the model says to itself, going on and on from what it said; each generation follows the one before. */
export function Monologue({ client, model }: { readonly client: Client; readonly model: ModelInfo }) {
  const [element, isShown] = useShown<HTMLElement>();
  const [isOn, setOn] = useState(true);
  const [said, setSaid] = useState(nothingSaid);
  const latest = useRef(nothingSaid);
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!isOn || !isShown) return;
    const subscription = defer(() =>
      client.generate({
        model: model.name,
        prompt: nextPrompt(latest.current, model.symbols),
        length: 1000,
        temperature: 0.8,
        surprisal: true,
        rate: RATE,
      }),
    )
      .pipe(
        // Also in the middle of a generation what is said next follows what is there.
        tap((answer) => {
          latest.current = saidMore(latest.current, answer.text, answer.surprisals, SHOWN);
        }),
        repeat({ delay: 100 }),
        retry({ delay: () => timer(RETRY_MS) }),
        bufferTime(LOOK),
        filter((answers) => answers.length > 0),
      )
      .subscribe(() => {
        setSaid(latest.current);
        const log = box.current;
        if (log !== null) log.scrollTop = log.scrollHeight;
      });
    return () => subscription.unsubscribe();
  }, [client, model.name, isOn, isShown]);
  return (
    <Card
      id="monologue"
      title="Monologue"
      hint="What the model says by itself, with the weights of the moment; the stronger the colour, the less it expected the symbol."
      inner={element}
      wide
    >
      <Scrolled inner={box} class="text tall" label="Monologue">
        <Surprised {...said} />
      </Scrolled>
      <SurpriseLegend />
      <button id="monologue-switch" type="button" role="switch" aria-checked={isOn} onClick={() => setOn(!isOn)}>
        <i class="knob" aria-hidden="true" />
        Go on
      </button>
    </Card>
  );
}
