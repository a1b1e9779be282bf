/** The style sheet of a report; its shades are those of the live page. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#f3f3ef, #15171a);
  --card: light-dark(#ffffff, #202326);
  --ink: light-dark(#1c1f22, #eceeef);
  --quiet: light-dark(#50575e, #b2b9bf);
  --grid: light-dark(#e2e2de, #34393d);
  --accent: light-dark(#0b5c8a, #7cc4ef);
  --other: light-dark(#8a5a12, #d9a55a);
}
* { box-sizing: border-box; }
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
svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); }
.end { text-anchor: end; }
.middle { text-anchor: middle; }
.grid { stroke: var(--grid); }
polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
polyline.solid { stroke: var(--accent); }
polyline.dotted { stroke: var(--other); stroke-dasharray: 6 4; }
circle.solid { fill: var(--accent); }
circle.dotted { fill: var(--other); }
.key { display: inline-block; margin-right: 0.8rem; color: var(--ink); }
.key::before { content: ""; display: inline-block; width: 2rem; margin-right: 0.4rem; border-top: 2px solid var(--accent); vertical-align: middle; }
.key.dotted::before { border-top: 2px dashed var(--other); }
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
.l1 { background: light-dark(#fff7dc, #2e2a22); }
.l2 { background: light-dark(#ffeab0, #3f331f); }
.l3 { background: light-dark(#fedb7d, #523c1a); }
.l4 { background: light-dark(#fdc24f, #674514); }
.l5 { background: light-dark(#f9a23c, #7e4d0e); }
.l6 { background: light-dark(#ef8131, #964f0b); }
.l7 { background: light-dark(#dd6a2f, #a94f12); }
@media print { body { max-width: none; } section { break-inside: avoid-page; } }
`;
