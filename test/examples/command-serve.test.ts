/** `oxbow serve` as a process: real sockets, real signals. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { loadNewest } from 'oxbow';
import { expect, test } from 'vitest';
import { program } from './program.js';

const { run, start, inFolder } = program('oxbow', 'dist/cli.js');

/** Starts a server, and waits until it has said where it is. */
async function serving(args: readonly string[]) {
  const started = start(['serve', '--port', '0', ...args]);
  const url = await new Promise<string>((resolve, reject) => {
    started.child.stdout.on('data', () => started.out().includes('\n') && resolve(started.out().trim()));
    void started.ended.then(({ err }) => reject(new Error(err)));
  });
  return { ...started, url };
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  'learns, and at %s saves and exits with 0; the next goes on',
  async (signal) => {
    const { child, ended, url } = await serving(['--model', 'alice=kept']);
    const learnt = await fetch(`${url}/learn`, {
      method: 'POST',
      body: JSON.stringify({ text: 'the river bends. '.repeat(99) }),
    });
    expect(learnt.status).toBe(202);
    let step = 0;
    while (step === 0) {
      // Slower than the rate at which a client is refused.
      await setTimeout(20);
      const asked = await fetch(`${url}/model?name=alice`);
      expect(asked.status).toBe(200);
      step = (await asked.json()).step;
    }
    child.kill(signal);
    const { code, wrong } = await ended;
    // Of text that has come, what is no window yet is counted.
    expect({ code, wrong }).toEqual({ code: 0, wrong: expect.stringMatching(/^(|oxbow: alice has not learnt .*)$/) });
    const kept = (await loadNewest(inFolder('kept'))).found?.step as number;
    expect(kept).toBeGreaterThanOrEqual(step);
    const next = await serving(['--model', 'alice=kept', '--no-learn', '--json']);
    const { url: again } = JSON.parse(next.url);
    expect(await (await fetch(`${again}/model?name=alice`)).json()).toMatchObject({ step: kept, learning: false });
    const held = await run(['serve', '--port', '0', '--model', 'alice=kept']);
    expect(held).toMatchObject({ code: 1, out: '' });
    expect(held.err.trim().split('\n')).toHaveLength(1);
    expect(held.err).toMatch(/^oxbow: --model: .*kept/);
    next.child.kill(signal);
    expect((await next.ended).code).toBe(0);
  },
);

test('takes the tokens of a file, and nobody without one', async () => {
  writeFileSync(inFolder('tokens'), '# ours\na-token-of-good-length no-learn\n');
  const { child, ended, url } = await serving(['--host', '0.0.0.0', '--token-file', 'tokens']);
  const at = `${url.replace('0.0.0.0', '127.0.0.1')}/v1/models`;
  expect((await fetch(at)).status).toBe(401);
  expect((await fetch(at, { headers: { authorization: 'Bearer a-token-of-good-length' } })).status).toBe(200);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
});

test.each([
  [['--host', '0.0.0.0'], 2, /give --token-file/],
  [['--model', 'alice'], 2, /NAME=DIR/],
  [['--model', 'a=b', '--model', 'a=c'], 2, /given twice/],
  [['--token-file', 'none'], 1, /cannot be read/],
  [['--token-file', 'short'], 1, /line 1: a token has at least 16 characters/],
  [['--origin', 'nowhere'], 2, /an origin is a URL/],
])('refuses %j in one line', async (args, code, message) => {
  writeFileSync(inFolder('short'), 'short\n');
  const ended = await run(['serve', '--port', '0', ...args]);
  expect(ended).toMatchObject({ code, out: '' });
  expect(ended.err.trim().split('\n')).toHaveLength(1);
  expect(ended.err).toMatch(message);
});

test('says that a port is in use', async () => {
  const other = createServer();
  const port = await new Promise<number>((resolve) =>
    other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port)),
  );
  const ended = await run(['serve', '--port', String(port), '--model', 'a=kept']);
  other.close();
  expect(ended).toMatchObject({ code: 1, out: '' });
  expect(ended.err).toMatch(new RegExp(`port ${port} of 127.0.0.1 is in use; .* --port`));
});

test('counts at its end what waited and was not learnt', async () => {
  const { child, ended, url } = await serving(['--model', 'alice=kept', '--threads', '1']);
  const text = 'the river bends. '.repeat(3600);
  for (let k = 0; k < 20; k += 1) await fetch(`${url}/learn`, { method: 'POST', body: JSON.stringify({ text }) });
  child.kill('SIGTERM');
  const { code, err } = await ended;
  expect(code).toBe(0);
  expect(err).toMatch(
    /oxbow: alice has not learnt [\d,]+ characters that waited, about [\d,]+ windows?; send them again\./,
  );
});
