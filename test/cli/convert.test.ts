/** What `oxbow convert` reads, writes and says. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  adam,
  type Core,
  checkpointed,
  crossEntropy,
  dense,
  describe as describeModel,
  ids,
  languageModel,
  loadRun,
  saveRuns,
  tbptt,
  weightsOf,
} from 'oxbow';
import { importModel } from 'oxbow/interchange';
import { lastValueFrom, of } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { run } from '../../src/cli/program.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'convert-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

async function typed(...line: string[]) {
  const [outs, errs] = [[] as string[], [] as string[]];
  const before = process.exitCode;
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean(outs.push(String(text))));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean(errs.push(String(text))));
  process.exitCode = 0;
  await run(['convert', ...line]);
  const { exitCode: code } = process;
  process.exitCode = before;
  vi.restoreAllMocks();
  return { code, out: outs.join(''), err: errs.join('') };
}

const golden = (name: string) => fileURLToPath(new URL(`../interchange/golden/${name}`, import.meta.url));

describe('oxbow convert', () => {
  it('writes what a run has learnt, and says what it was and what stays behind', async () => {
    const path = join(folder, 'run');
    const model = languageModel({ symbols: 5, units: 3, embed: 2 });
    const window = { input: ids([3, 1], [0, 1, 2]), target: ids([3, 1], [1, 2, 3]) };
    await lastValueFrom(
      of(window).pipe(
        tbptt(model, { loss: crossEntropy(), optimizer: adam(0.1) }),
        checkpointed(path, { model, about: { task: 'language' } }),
      ),
    );
    await saveRuns();
    const to = join(folder, 'model.safetensors');
    const { code, out, err } = await typed(path, to, '--json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toEqual({
      from: path,
      model: 'languageModel',
      layers: ['embed', 'rnn', 'head'],
      parameters: 6,
      weights: 5 * 2 + 12 * (2 + 3 + 1) + 3 * 5 + 5,
      files: [{ path: to, bytes: readFileSync(to).length }],
      lost: expect.arrayContaining(['optimizer and carry', 'about.task']),
    });
    const [travelled, learnt] = [await importModel<Core<unknown>>(to), await loadRun(path)];
    expect(weightsOf(travelled.params)).toEqual(weightsOf(learnt.model.params));
    expect((await typed(path, join(folder, 'again.safetensors'))).out).toMatch(
      /is a languageModel with embed, rnn, head\n6 parameters, 102 weights\n.*left behind, since weights alone travel: optimizer/s,
    );
  });

  it('takes files of others, and a description of what they are of', async () => {
    const as = join(folder, 'as.json');
    writeFileSync(as, JSON.stringify(describeModel(dense(3, 2, { activation: 'relu' }))));
    const to = join(folder, 'half.safetensors');
    expect((await typed(golden('half.pt'), to, '--as', as)).code).toBe(0);
    expect(describeModel(await importModel<Core<unknown>>(to)).args[2]).toEqual({ activation: 'relu' });
  });

  it.each([
    ['half.pt', 'out.xyz', 1, /out\.xyz ends as no format does; give \{ format \}, one of pytorch/],
    ['half.pt', 'out.pt', 1, /out\.pt is written as \.safetensors/],
    ['long.pt', 'out.safetensors', 1, /weight: it is of int64/],
    ['nowhere.pt', 'out.safetensors', 1, /nowhere\.pt cannot be read/],
    ['char-rnn.json', 'out.safetensors', 1, /its bytes are of none of pytorch/],
  ])('of %s to %s ends with one line', async (from, to, code, message) => {
    const outcome = await typed(golden(from), join(folder, to));
    expect(outcome).toMatchObject({ code, out: '' });
    expect(outcome.err).toMatch(message);
    expect(outcome.err.trim().split('\n')).toHaveLength(1);
    expect(existsSync(join(folder, to))).toBe(false);
  });

  it('has nothing else to say of a run', async () => {
    expect(await typed(join(folder, 'run'), join(folder, 'x.safetensors'), '--as', 'y')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--as: .*run says itself what its model is/),
    });
  });
});
