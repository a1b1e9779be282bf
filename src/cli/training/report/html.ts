/** Text as HTML. */

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** HTML has no place for control characters but tab and line end: those of ASCII have signs of their own, from U+2400 on. */
function controlSign(control: string): string {
  const code = control.charCodeAt(0);
  if (control === '\n' || control === '\t') return control;
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? '\u2421' : '\uFFFD';
}

/** Any text as the content of an element or of an attribute. */
export const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (sign) => entities[sign] as string).replaceAll(/\p{Cc}/gu, controlSign);

/** A table that scrolls by itself where it is wider than the page. */
export const table = (caption: string, head: readonly string[], rows: readonly (readonly string[])[]): string => `
<div class="scrolls" role="region" tabindex="0" aria-label="${escaped(caption)}">
<table>
<caption>${escaped(caption)}</caption>
<thead><tr>${head.map((each) => `<th scope="col">${escaped(each)}</th>`).join('')}</tr></thead>
<tbody>
${rows
  .map(([first = '', ...rest]) => {
    const cells = rest.map((each) => `<td>${escaped(each)}</td>`).join('');
    return `<tr><th scope="row">${escaped(first)}</th>${cells}</tr>`;
  })
  .join('\n')}
</tbody>
</table>
</div>`;

export const section = (title: string, body: string): string => {
  const id = title.toLowerCase().replaceAll(/[^a-z]+/g, '-');
  return `<section aria-labelledby="${id}">\n<h2 id="${id}">${escaped(title)}</h2>\n${body}\n</section>`;
};
