/** The page: paste a text, watch it being learnt, and hear what the model says meanwhile. */
import { configure, machine, ready } from 'oxbow';
import { defer, delay, repeat, type Subscription } from 'rxjs';
import { curve } from './curve.js';
import { fresh, learning, restored, type Session, saved, saying } from './session.js';

const find = <E extends Element>(id: string) => document.getElementById(id) as unknown as E;
const text = find<HTMLTextAreaElement>('text');
const units = find<HTMLSelectElement>('units');
const temperature = find<HTMLInputElement>('temperature');
const upload = find<HTMLInputElement>('upload');
const said = find<HTMLOListElement>('said');
const [start, stop, reset, download] = ['start', 'stop', 'reset', 'download'].map((id) =>
  find<HTMLButtonElement>(id),
) as [HTMLButtonElement, HTMLButtonElement, HTMLButtonElement, HTMLButtonElement];
const losses = curve(find<SVGElement>('curve'));

/** Milliseconds between two samples, and between two looks at the numbers. */
const [PAUSE, LOOK] = [3000, 250];
const MOST_SAID = 20;

let session: Session | undefined;
let running: Subscription | undefined;
let symbolsBefore = 0;
let symbols = 0;
let speed: number | undefined;
let seed = 0;

const show = (id: string, value: string) => {
  find<HTMLElement>(id).textContent = value;
};
const whole = (value: number) => Math.round(value).toLocaleString('en');

function draw(): void {
  const unit = document.querySelector<HTMLInputElement>('input[name=unit]:checked')?.value ?? 'bits';
  const nats = unit === 'bits' ? Math.LN2 : 1;
  losses.draw(nats, unit);
  show('ticks', unit);
  show('loss', losses.now === undefined ? '–' : `${(losses.now / nats).toFixed(3)} ${unit}`);
  show('symbols', symbols === 0 ? '–' : whole(symbols));
  show('speed', speed === undefined ? '–' : whole(speed));
}

function enable(): void {
  start.disabled = running !== undefined;
  stop.disabled = running === undefined;
  reset.disabled = session === undefined;
  download.disabled = session === undefined;
  upload.disabled = running !== undefined;
  units.disabled = session !== undefined;
  text.readOnly = running !== undefined;
}

/** Does something that the user asked for; what is wrong with it is said, and nothing else happens. */
async function attempt(work: () => unknown): Promise<void> {
  show('problem', '');
  try {
    await work();
  } catch (error) {
    halt();
    show('problem', error instanceof Error ? error.message : String(error));
  }
  enable();
}

function halt(): void {
  running?.unsubscribe();
  running = undefined;
  draw();
}

function begin(): void {
  session ??= fresh(text.value, Number(units.value));
  const current = session;
  symbolsBefore = symbols;
  const fail = (error: unknown) => void attempt(() => Promise.reject(error));
  running = learning(current, text.value).subscribe({
    next(learnt) {
      losses.add(learnt.loss);
      symbols = symbolsBefore + learnt.symbols;
      speed = learnt.speed;
    },
    error: fail,
  });
  const looks = setInterval(draw, LOOK);
  running.add(() => clearInterval(looks));
  running.add(
    defer(() => saying(current, Number(temperature.value), seed++))
      .pipe(delay(PAUSE), repeat())
      .subscribe({ next: say, error: fail }),
  );
}

function say(sample: string): void {
  const item = document.createElement('li');
  item.textContent = sample;
  said.prepend(item);
  while (said.children.length > MOST_SAID) said.lastElementChild?.remove();
}

function forget(): void {
  halt();
  session?.model.release();
  session = undefined;
  [symbols, speed, seed] = [0, undefined, 0];
  losses.clear();
  said.replaceChildren();
  draw();
}

function offer(current: Session): void {
  const url = URL.createObjectURL(new Blob([saved(current) as BlobPart], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = 'oxbow.safetensors';
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

async function take(file: File): Promise<void> {
  const next = restored(new Uint8Array(await file.arrayBuffer()));
  forget();
  session = next;
  // What the model has may be none of the usual numbers.
  if (![...units.options].some(({ value }) => value === String(next.units))) units.add(new Option(String(next.units)));
  units.value = String(next.units);
}

start.addEventListener('click', () => void attempt(begin));
stop.addEventListener('click', () => void attempt(halt));
reset.addEventListener('click', () => void attempt(forget));
download.addEventListener('click', () => void attempt(() => session && offer(session)));
upload.addEventListener('change', () =>
  attempt(async () => {
    const [file] = upload.files ?? [];
    if (file !== undefined) await take(file);
    upload.value = '';
  }),
);
temperature.addEventListener('input', () => show('temperature-value', Number(temperature.value).toFixed(1)));
for (const radio of document.querySelectorAll('input[name=unit]')) radio.addEventListener('change', draw);

draw();
void attempt(async () => {
  await ready();
  configure({});
  const { tier, threads, shared } = machine();
  const how = shared
    ? `learns on ${threads} ${threads === 1 ? 'thread' : 'threads'} beside the page`
    : 'learns in slices on the thread of the page, which is not isolated';
  show('machine', `Ready: ${tier} kernels; ${how}.`);
});
