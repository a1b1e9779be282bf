/** The page of `npm run example:browser`, as it is built, used in a real browser by a script that comes with it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headers } from '../../examples/browser/headers.js';
import { root } from '../host/bundles.js';
import { chromium, firefox, type Site, show, siteOf } from '../host/pages.js';

const folder = `${root}build/examples/browser`;

/** Starts, waits until it has learnt and spoken, stops, and goes on from what was downloaded. */
const user = `answerOf(async () => {
  const $ = (id) => document.getElementById(id);
  const until = async (what) => { while (!what()) await new Promise((resolve) => setTimeout(resolve, 20)); };
  const disabled = () => ['start', 'stop', 'reset', 'download', 'upload'].filter((id) => $(id).disabled);
  const violations = [];
  document.addEventListener('securitypolicyviolation', ({ violatedDirective }) => violations.push(violatedDirective));
  const nameless = [...document.querySelectorAll('input, select, textarea, button')]
    .filter((control) => !(control.labels?.length || control.textContent.trim())).map(({ id }) => id);
  await until(() => !$('start').disabled);
  const told = { machine: $('machine').textContent, nameless, first: disabled() };
  $('units').value = '32';
  $('text').value = 'too short';
  $('start').click();
  await until(() => $('problem').textContent !== '');
  told.short = $('problem').textContent;
  $('text').value = 'the river bends and bends again. '.repeat(30);
  $('start').focus();
  told.focus = document.activeElement.id;
  $('start').click();
  await until(() => $('symbols').textContent !== '–');
  told.problem = $('problem').textContent;
  told.running = disabled();
  await until(() => $('said').children.length > 1 && Number.parseFloat($('loss').textContent) < 1);
  told.said = $('said').lastElementChild.textContent.length;
  $('stop').click();
  await until(() => $('stop').disabled);
  const lossIn = async (unit) => {
    document.querySelector('input[value=' + unit + ']').click();
    await until(() => $('loss').textContent.includes(unit));
    return Number.parseFloat($('loss').textContent);
  };
  // Each is rounded to two digits.
  told.bits = Math.abs((await lossIn('bits')) - (await lossIn('nats')) / Math.LN2) < 0.0051 * (1 + 1 / Math.LN2);
  told.unit = $('loss').textContent.replace(/^[\\d.]+ /, '') + ', ' + $('ticks').textContent;
  told.curve = $('curve').querySelector('polyline').getAttribute('points').split(' ').length > 2;
  told.title = $('curve-title').textContent.replaceAll(/[\\d.]+/g, 'N');
  const blobs = [];
  const made = URL.createObjectURL;
  URL.createObjectURL = (blob) => { blobs.push(blob); return made.call(URL, blob); };
  // Nobody is there to take it.
  HTMLAnchorElement.prototype.click = function () { told.name = this.download; };
  const downloaded = async () => {
    $('download').click();
    await until(() => blobs.length > 0);
    return blobs.pop();
  };
  const before = await downloaded();
  $('reset').click();
  await until(() => $('reset').disabled);
  told.reset = [$('loss').textContent, $('said').children.length, ...disabled()];
  const give = async (blob) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([blob], 'weights.safetensors'));
    $('upload').files = transfer.files;
    $('upload').dispatchEvent(new Event('change'));
  };
  await give(new Blob(['nonsense']));
  await until(() => $('problem').textContent !== '');
  told.nonsense = $('problem').textContent;
  await give(before);
  await until(() => !$('download').disabled);
  const after = new Uint8Array(await (await downloaded()).arrayBuffer());
  const bytes = new Uint8Array(await before.arrayBuffer());
  told.same = bytes.length > 10000 && bytes.length === after.length && bytes.every((byte, k) => byte === after[k]);
  $('start').click();
  await until(() => $('symbols').textContent !== '–');
  $('stop').click();
  return { ...told, violations, end: $('problem').textContent };
});`;

function site(isolated: boolean): Site {
  const files = Object.fromEntries(readdirSync(folder).map((name) => [`/${name}`, readFileSync(`${folder}/${name}`)]));
  const page = readFileSync(`${folder}/index.html`, 'utf8');
  // The user's answer goes to the server.
  const served = headers(isolated);
  const policy = { 'Content-Security-Policy': `${served['Content-Security-Policy']}; connect-src 'self'` };
  const scripts = '<script src="/answer.js"></script><script defer src="/user.js"></script></body>';
  return siteOf({ ...files, '/user.js': user, '/': page.replace('</body>', scripts) }, { ...served, ...policy });
}

const buttons = { first: ['stop', 'reset', 'download'], running: ['start', 'upload'] };
const came = {
  ...buttons,
  nameless: [],
  short: 'The text is too short; it needs at least 16 symbols.',
  focus: 'start',
  problem: '',
  said: 161,
  bits: true,
  unit: 'nats, nats',
  curve: true,
  title: 'The loss, from N to N nats per symbol',
  name: 'oxbow.safetensors',
  reset: ['–', 0, 'stop', 'reset', 'download'],
  nonsense: expect.stringMatching(/^decodeCheckpoint: /),
  same: true,
  violations: [],
  end: '',
};

describe.each(Object.entries({ chromium, firefox }))('the page in %s', (_, browser) => {
  let answers: Record<string, unknown> = {};
  beforeAll(async () => {
    if (browser !== undefined) answers = await show(browser, { isolated: site(true), plain: site(false) });
  }, 180_000);

  it.skipIf(browser === undefined).each([
    ['isolated', /^Ready: fma kernels; learns on \d+ threads? beside the page\.$/],
    ['plain', /^Ready: fma kernels; learns in slices on the thread of the page, which is not isolated\.$/],
  ])('(%s) learns, speaks, stops, and goes on from the weights that it gave', (name, machine) => {
    expect(answers[name]).toEqual({ ...came, machine: expect.stringMatching(machine) });
  });
});

describe('its server', () => {
  let server: ChildProcess;
  let address: string;
  beforeAll(async () => {
    server = spawn(process.execPath, [`${root}build/examples/browser.js`, '--port', '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(createInterface(server.stdout as NodeJS.ReadableStream), 'line');
    address = /^http:\S+/.exec(line as string)?.[0] as string;
  }, 60_000);
  afterAll(() => server.kill('SIGKILL'));

  it.each([
    ['', 'text/html; charset=utf-8', '<!doctype html>'],
    ['main.js', 'text/javascript', 'import'],
    ['style.css', 'text/css', ':root'],
  ])('serves /%s isolated', async (path, type, begins) => {
    const response = await fetch(address + path);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': type,
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    });
    expect((await response.text()).startsWith(begins)).toBe(true);
  });

  it.each(['none.js', '..%2f..%2fpackage.json', '%2e%2e/browser.js', '%00', '//', '../browser.js'])(
    'has no /%s',
    async (path) => {
      expect((await fetch(address + path)).status).toBe(404);
    },
  );

  it('ends at a signal, and says so by its code', async () => {
    server.kill('SIGINT');
    expect(await once(server, 'exit')).toEqual([130, null]);
  });
});
