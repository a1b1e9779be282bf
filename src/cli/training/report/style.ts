/** The style sheet of a report, in the colours of the live page. */
import { customProperties } from '../../../../page/logic/palette.js';

/** Of surprise; below the first there is no shade. */
const levels = [1, 2, 3, 4, 5, 6, 7] as const;

export const style = `
:root { color-scheme: light dark; }
${customProperties([
  ...(['ground', 'card', 'ink', 'quiet', 'grid', 'accent', 'soft'] as const),
  ...levels.map((level) => `surprise-${level}` as const),
])}* { box-sizing: border-box; }
body {
  margin: 0 auto;
  max-width: 62rem;
  padding: 1rem 1rem 3rem;
  background: var(--ground);
  color: var(--ink);
  font: 1rem / 1.5 system-ui, sans-serif;
}
h1, h2, h3 { line-height: 1.2; }
section { margin-top: 1rem; padding: 0.2rem 1rem 1rem; background: var(--card); border-radius: 0.6rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr)); gap: 1rem; }
figure { margin: 0; min-width: 0; }
figcaption, caption, .quiet { color: var(--quiet); font-size: 0.9rem; text-align: left; }
svg { width: 100%; height: auto; font: 15px system-ui, sans-serif; }
svg text { fill: var(--ink); }
.end { text-anchor: end; }
.middle { text-anchor: middle; }
.grid { stroke: var(--grid); }
polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
polyline.solid { stroke: var(--accent); }
polyline.dotted { stroke: var(--soft); stroke-dasharray: 6 4; }
circle.solid { fill: var(--accent); }
circle.dotted { fill: var(--soft); }
.key { display: inline-block; margin-right: 0.8rem; color: var(--ink); }
.key::before { content: ""; display: inline-block; width: 2rem; margin-right: 0.4rem; border-top: 2px solid var(--accent); vertical-align: middle; }
.key.dotted::before { border-top: 2px dashed var(--soft); }
.scrolls { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: 0.15rem 1rem 0.15rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--grid); overflow-wrap: anywhere; }
thead th { color: var(--quiet); }
tbody th { font-weight: normal; }
code, .passage, blockquote { font-family: ui-monospace, monospace; }
code { overflow-wrap: anywhere; }
blockquote { margin: 0.3rem 0 0.8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.passage { white-space: pre-wrap; overflow-wrap: anywhere; }
.legend { display: flex; flex-wrap: wrap; gap: 0.2rem; padding: 0; list-style: none; }
.legend li { padding: 0 0.5rem; border: 1px solid var(--grid); }
${levels.map((level) => `.l${level} { background: var(--surprise-${level}); }`).join('\n')}
@media print { body { max-width: none; } section { break-inside: avoid-page; } }
`;
