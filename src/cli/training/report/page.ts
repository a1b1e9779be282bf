/** The report of a training as one HTML page that needs nothing else: no script, no network. */
import type { HistoryData, Point } from '../history.js';
import { escaped, section, table } from './html.js';
import { legend, type Passage, showPassage } from './passage.js';
import { type Axis, plot } from './plot.js';
import { style } from './style.js';

/** A figure that the model came to, and how. */
export interface Score {
  readonly how: string;
  readonly characters: number;
  readonly natsPerCharacter: number;
  readonly bitsPerCharacter: number;
  readonly perplexity: number;
  readonly seconds: number;
}

/** All that a report says. */
export interface ReportData {
  readonly title: string;
  /** `learning`, `finished`. */
  readonly state: string;
  /** When it was written. */
  readonly date: string;
  readonly command: string;
  readonly history: HistoryData;
  readonly scores: readonly Score[];
  readonly passages: readonly Passage[];
  /** Rows of tables: what was learnt, of what, and on which machine. */
  readonly about: readonly (readonly [string, string])[];
  readonly recipe: readonly (readonly [string, string])[];
  readonly machine: readonly (readonly [string, string])[];
}

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
const duration = (seconds: number): string =>
  seconds < 120 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`;

const updates: Axis = { name: 'updates', scale: 'log', show: whole };
const nats: Axis = { name: 'nats per symbol', scale: 'linear', show: (value) => Number(value.toFixed(3)).toString() };

function curves({ training, validation }: HistoryData): string {
  const last = Math.max(0, ...[...training, ...validation].map(({ seconds }) => seconds));
  const inMinutes = last >= 120;
  const time: Axis = {
    name: inMinutes ? 'minutes' : 'seconds',
    scale: 'linear',
    show: (value) => Number(value.toFixed(2)).toString(),
  };
  const over = (x: (point: Point) => number) => [
    { name: 'Training', style: 'solid' as const, points: training.map((each) => [x(each), each.nats] as const) },
    { name: 'Validation', style: 'dotted' as const, points: validation.map((each) => [x(each), each.nats] as const) },
  ];
  const none =
    '<p class="quiet">There is no curve of validation: the run keeps no part of the text for it (--validation 0.05).</p>';
  return `<div class="pair">
${plot(
  'Loss over updates',
  over(({ steps }) => steps),
  updates,
  nats,
)}
${plot(
  'Loss over time',
  over(({ seconds }) => (inMinutes ? seconds / 60 : seconds)),
  time,
  nats,
)}
</div>
<p class="quiet">Of training it is the mean over the windows before, each by the weights before they learnt from it.</p>
${validation.length === 0 ? none : ''}`;
}

const scoresTable = (scores: readonly Score[]): string =>
  scores.length === 0
    ? '<p>What was held out is scored when all has been learnt.</p>'
    : table(
        'What was held out',
        ['by', 'nats per symbol', 'bits per symbol', 'perplexity', 'symbols', 'time'],
        scores.map((each) => [
          each.how,
          each.natsPerCharacter.toFixed(4),
          each.bitsPerCharacter.toFixed(4),
          each.perplexity.toFixed(3),
          whole(each.characters),
          duration(each.seconds),
        ]),
      );

const samples = ({ samples: all }: HistoryData): string =>
  all.length === 0
    ? '<p>It has not spoken yet.</p>'
    : all
        .map(
          ({ steps, seconds, text }) =>
            `<h3>After ${whole(steps)} updates, ${duration(seconds)}</h3>\n<blockquote>${escaped(text)}</blockquote>`,
        )
        .join('\n');

/** The page. Whatever texts say is shown, and never markup. */
export function reportPage(data: ReportData): string {
  const { title, state, date, command, history, scores, passages, about, recipe, machine } = data;
  const surprise =
    passages.length === 0
      ? '<p>A passage is shown as soon as one has been scored.</p>'
      : `${legend}\n${passages.map(showPassage).join('\n')}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${escaped(title)}</h1>
<p>${escaped(state)}; written ${escaped(date)}.${state === 'learning' ? ' Load it again to see how it goes on.' : ''}</p>
<p><code>${escaped(command)}</code></p>
</header>
<main>
${section('Figures', scoresTable(scores))}
${section('Curves', curves(history))}
${section('Samples', samples(history))}
${section('Surprise', surprise)}
${section('Run', table('What was learnt', ['what', 'is'], about))}
${section('Hyper-parameters', table('The recipe, by its options', ['option', 'value'], recipe))}
${section('Machine', table('Where it ran', ['what', 'is'], machine))}
</main>
</body>
</html>
`;
}
