// Builds the site of the docs to build/docs: `npm run docs`. TypeDoc's warnings are errors, and so is a link that leads nowhere; no
// network is needed. The API is grouped by the folder that a name comes from, since a newcomer knows what a layer is and not whether it
// is a function.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application, Comment, CommentTag, Converter, ReflectionKind } from 'typedoc';

const root = fileURLToPath(new URL('..', import.meta.url));
const site = join(root, 'build/docs');

/** The first prefix that a file's path below src/ begins with names its group. */
const groups = [
  ['models/tagger/', 'Slots'],
  ['models/', 'Models'],
  ['formats/utterances/', 'Slots'],
  ['formats/', 'Checkpoints'],
  ['runs/', 'Checkpoints'],
  ['streams/', 'Streams'],
  ['cells/', 'Cells'],
  ['layers/', 'Layers'],
  ['training/', 'Training'],
  ['parameters/', 'Parameters'],
  ['ops/', 'Primitives and gradients'],
  ['backprop/', 'Primitives and gradients'],
  ['kernels/', 'Machine'],
  ['', 'Foundations'],
];

function categorise(reflection, name) {
  reflection.comment ??= new Comment();
  reflection.comment.blockTags.push(new CommentTag('@category', [{ kind: 'text', text: name }]));
}

function group({ project }) {
  for (const reflection of project.children ?? []) {
    if (reflection.kindOf(ReflectionKind.Document)) continue;
    const path = project.getSymbolIdFromReflection(reflection)?.fileName ?? '';
    const within = path.slice(path.indexOf('src/') + 'src/'.length);
    const [, name] = groups.find(([prefix]) => within.startsWith(prefix));
    // The comment of a function is that of its signatures.
    for (const part of reflection.signatures ?? [reflection]) categorise(part, name);
  }
}

/** Pages that a newcomer reads first. The others follow by their paths. */
const first = ['tutorial', 'cookbook', 'coming-from', 'keras', 'slots', 'glossary', 'troubleshooting', 'examples'];

const plain = (name) => name.replace('docs/', '');

/** Gives guides their headings as titles, and an order. */
function title({ project }) {
  const place = ({ name }) => (first.includes(plain(name)) ? first.indexOf(plain(name)) : first.length);
  for (const list of [project.documents, project.childrenIncludingDocuments]) list?.sort((a, b) => place(a) - place(b));
  for (const page of project.documents ?? []) {
    categorise(page, 'Guides');
    const start = page.content.find(({ kind }) => kind === 'text');
    const [whole, heading] = /^# (.*)\n/.exec(start?.text ?? '') ?? [];
    if (heading === undefined) continue;
    start.text = start.text.slice(whole.length);
    page.name = heading;
  }
}

/** What a page links to within the site; a folder is its index. */
function linksOf(page) {
  return [...readFileSync(page, 'utf8').matchAll(/\s(?:href|src)="([^"]*)"/g)]
    .map(([, href]) => href.replaceAll('&amp;', '&'))
    .filter((href) => !/^(?:[a-z]+:|\/\/)/.test(href))
    .map((href) => {
      const [path, id] = href.split('#').map(decodeURIComponent);
      const [file] = path.split('?');
      const target = file === '' ? page : join(dirname(page), file);
      return { href, file: target.endsWith(sep) ? join(target, 'index.html') : target, id };
    });
}

/** Every link of the site that leads nowhere, with the page it is on. */
function brokenLinks() {
  const pages = readdirSync(site, { recursive: true })
    .filter((file) => file.endsWith('.html'))
    .map((file) => join(site, file));
  const ids = new Map();
  function has(file, id) {
    if (!ids.has(file)) {
      const found = readFileSync(file, 'utf8').matchAll(/\s(?:id|name)="([^"]*)"/g);
      ids.set(file, new Set([...found].map(([, name]) => name)));
    }
    return ids.get(file).has(id);
  }
  return pages.flatMap((page) =>
    linksOf(page)
      .filter(({ file, id }) => !existsSync(file) || (id && file.endsWith('.html') && !has(file, id)))
      .map(({ href }) => `${relative(site, page)}: ${href}`),
  );
}

const app = await Application.bootstrapWithPlugins({ options: root });
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, group);
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, title);
const project = await app.convert();
if (project) {
  app.validate(project);
  if (!app.logger.hasErrors() && !app.logger.hasWarnings()) await app.generateOutputs(project);
}
const failed = !project || app.logger.hasErrors() || app.logger.hasWarnings();
const broken = failed ? [] : brokenLinks();
for (const link of new Set(broken)) process.stderr.write(`docs: a link leads nowhere, ${link}\n`);
process.exitCode = failed || broken.length > 0 ? 1 : 0;
