import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { screen } from '../../examples/shared/screen.js';
import { program } from './program.js';

const everywhere = 'threads tier json help';
const examples = {
  'char-rnn': [
    'file stdin piped-again recipe cell units layers embed tied no-tied residual no-residual layer-norm no-layer-norm drop-symbols drop-input drop-between',
    'drop-output drop-connect ar tar optimizer lr schedule rising floor weight-decay clip smoothing windows length batch seconds epochs',
    'steps held-out validation dynamic-rule dynamic-rate dynamic-decay dynamic-length seed eval dynamic tune-dynamic report symbols prompt',
    'temperature tokenizer load save save-every resume',
  ].join(' '),
  alice: 'file model iterations seed load save',
  gpt: 'file steps batch context features heads blocks lr seed temperature load save save-every resume',
  lenet: 'recipe epochs images data seed load save save-every resume',
  memory: 'task model seed flow load save save-every resume',
  seq2seq: 'task steps seed load save',
  slots: 'train valid test online forgetting utterances epochs units forwards seed seeds load save save-every resume',
};

describe.each(Object.entries(examples))('%s', (name, own) => {
  const { run } = program(name);

  test('--help names every option, and nothing is started', async () => {
    const { code, out, wrong } = await run(['--help']);
    expect({ code, wrong }).toEqual({ code: 0, wrong: '' });
    const started = `run example:${name}`;
    expect(out).toContain(`Usage: ${name} [options]        (npm ${started} -- [options])\n`);
    const named = [...out.matchAll(/^ {2}(?:-h, )?--([a-z-]+)/gm)].map(([, option]) => option);
    expect(named.sort()).toEqual(`${own} ${everywhere}`.split(' ').sort());
  });

  test('tells in one line what it does not know, and what was meant', async () => {
    const cases: readonly (readonly [args: readonly string[], message: string])[] = [
      [['--nonsense'], "unknown option '--nonsense'. Try --help."],
      [['--thread', '2'], "unknown option '--thread'. Did you mean --threads? Try --help."],
      [['text'], 'too many arguments. Expected 0 arguments but got 1. Try --help.'],
      [['--threads', '65'], "option '--threads <n>' argument '65' is invalid. It must be a whole number from 1 to 64."],
    ];
    await Promise.all(
      cases.map(async ([args, message]) => {
        const { code, out, err } = await run(args);
        expect({ code, out }).toEqual({ code: 2, out: '' });
        expect(err).toContain(message);
        expect(err).toMatch(new RegExp(`^${name}: .*\\n$`));
      }),
    );
  });
});

describe('where the reader has had enough', () => {
  const { start } = program('lenet');
  test('the program ends with code 0', async () => {
    const { child, ended } = start(['--images', '64', '--epochs', '100000', '--json']);
    child.stdout.once('data', () => child.stdout.destroy());
    expect(await ended).toMatchObject({ code: 0, wrong: '' });
  });
});

test('on a terminal some letters stand back, unless NO_COLOR is set', () => {
  onTestFinished(() => void vi.unstubAllEnvs());
  const terminal = Object.assign(Object.create(process.stdout), { isTTY: true });
  const pipe = Object.assign(Object.create(process.stdout), { isTTY: false });
  vi.stubEnv('NO_COLOR', '');
  expect(screen(false, terminal).dim('so')).toBe('\u001b[2mso\u001b[22m');
  expect(screen(false, pipe).dim('so')).toBe('so');
  vi.stubEnv('NO_COLOR', '1');
  expect(screen(false, terminal).dim('so')).toBe('so');
});
