// Draws a terminal's text as an SVG: `npm start | node scripts/recording.mjs 'npm start' > docs/first-light.svg`.
import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

const COLUMNS = 104;
const LINE = 18;
const MARGIN = 20;
const TOP = 48;

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Lines of at most COLUMNS characters, cut between words where there are any. */
function wrap(line) {
  const rows = [];
  let rest = [...line];
  while (rest.length > COLUMNS) {
    const space = rest.lastIndexOf(' ', COLUMNS);
    const cut = space > COLUMNS / 2 ? space : COLUMNS;
    rows.push(rest.slice(0, cut).join(''));
    rest = rest.slice(cut === space ? cut + 1 : cut);
  }
  return [...rows, rest.join('')];
}

const command = process.argv[2] ?? '';
const text = stripVTControlCharacters(readFileSync(0, 'utf8')).trimEnd();
const rows = [`$ ${command}`, ...text.split('\n').flatMap(wrap)];
const width = 2 * MARGIN + COLUMNS * 7.8;
const height = TOP + rows.length * LINE + MARGIN;
const colour = (row) => (row.startsWith('$') ? '#7ee787' : row.startsWith('»') ? '#a5d6ff' : '#e6edf3');
const lines = rows.map(
  (row, k) =>
    `<text x="${MARGIN}" y="${TOP + k * LINE}" fill="${colour(row)}" xml:space="preserve">${escaped(row)}</text>`,
);
process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title desc">
<title id="title">A run of ${escaped(command)} in a terminal</title>
<desc id="desc">${escaped(text)}</desc>
<rect width="${width}" height="${height}" rx="10" fill="#0d1117"/>
<circle cx="22" cy="18" r="6" fill="#ff5f57"/><circle cx="42" cy="18" r="6" fill="#febc2e"/><circle cx="62" cy="18" r="6" fill="#28c840"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13">
${lines.join('\n')}
</g>
</svg>
`);
