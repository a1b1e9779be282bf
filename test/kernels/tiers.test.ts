import { beforeAll, describe, expect, it } from 'vitest';
import { revectorizeFlag } from '../../src/host/node/flags.js';
import { clearlySlower } from '../../src/kernels/tiers.js';
import { programOf, run } from './processes.js';

const [old, present] = ['--experimental-wasm-revectorize', '--wasm-revectorize'];

describe("V8's flag that widens", () => {
  it.each([
    ['11.3.244.8-node.38', undefined],
    ['12.4.254.21-node.33', undefined],
    ['13.5.212', undefined],
    ['13.6.233.10-node.28', old],
    ['14.6.202.34-node.34', old],
    ['15.3.1', old],
    ['15.4.0', present],
    ['15.6.12-node.1', present],
    ['16.0.5', present],
    ['20.1', present],
    ['', undefined],
  ])('of V8 %s is %s', (version, flag) => expect(revectorizeFlag(version)).toBe(flag));
});

/** A clock, and functions that take so long by it: at first, and once they have been called so often. */
function race(times: readonly (readonly [cold: number, warm: number, after: number])[], noise = () => 0) {
  let now = 0;
  const calls = times.map(() => 0);
  const [one, other] = times.map(([cold, warm, after], k) => () => {
    calls[k] = (calls[k] as number) + 1;
    now += ((calls[k] as number) <= after ? cold : warm) + noise();
  });
  return clearlySlower(one as () => void, other as () => void, () => now);
}

describe('a race', () => {
  const never = Number.POSITIVE_INFINITY;
  it.each([
    ['takes less time', [5e-3, 0.25e-3, 300], [5e-3, 0.45e-3, 300], false],
    ['takes as much', [5e-3, 0.45e-3, 300], [5e-3, 0.45e-3, 300], false],
    ['takes a little more', [5e-3, 0.5e-3, 300], [5e-3, 0.45e-3, 300], false],
    ['takes far more', [5e-3, 0.6e-3, 300], [5e-3, 0.45e-3, 300], true],
    ['takes far more, and is optimised first', [5e-3, 0.6e-3, 100], [5e-3, 0.45e-3, 600], true],
    ['takes far more, and is optimised last', [5e-3, 0.6e-3, 600], [5e-3, 0.45e-3, 100], true],
    ['takes less, and is optimised last', [5e-3, 0.25e-3, 600], [5e-3, 0.45e-3, 100], false],
    ['is never optimised', [5e-3, 5e-3, never], [5e-3, 0.45e-3, 100], false],
    ['takes far more than one that never is', [5e-3, 0.6e-3, 100], [5e-3, 5e-3, never], false],
  ] as const)('is lost by one that is clearly slower: it %s', (_, one, other, lost) => {
    expect(race([one, other])).toBe(lost);
    let calls = 0;
    // Others have the processor now and then.
    const noise = () => {
      calls += 1;
      return calls % 97 === 0 ? 2 : 0;
    };
    expect(race([one, other], noise)).toBe(lost);
  });
});

describe('the tier at start', () => {
  const withoutFlag = [
    'import v8 from "node:v8"',
    'import { syncBuiltinESMExports } from "node:module"',
    'v8.setFlagsFromString = () => undefined',
    'syncBuiltinESMExports()',
  ].join(';');
  const hasWide = process.arch === 'x64' && revectorizeFlag(process.versions.v8) !== undefined;
  let file: string;
  beforeAll(async () => {
    file = await programOf('say([machine().tier, bitsOf(machine())]); await turns(20); say(warnings);');
  });

  it('asks V8 for nothing that it does not know', async () => {
    const { said, err } = await run(file);
    expect(err).toBe('');
    expect(said).toEqual([[expect.any(String), expect.any(String)], []]);
  });

  // Where V8 finds no time to optimise, which is chosen is left to chance.
  it.runIf(hasWide)(
    'is that of fused multiply-add where V8 does not widen, unless another is forced',
    { retry: 3 },
    async () => {
      const options = ['--import', `data:text/javascript,${encodeURIComponent(withoutFlag)}`];
      const [chosen, forced] = [
        await run(file, { options }),
        await run(file, { options, env: { OXBOW_TIER: 'wide' } }),
      ];
      expect((chosen.said[0] as string[])[0]).toBe('fma');
      expect((forced.said[0] as string[])[0]).toBe('wide');
      // Which of the two it is changes no number.
      expect((chosen.said[0] as string[])[1]).toBe((forced.said[0] as string[])[1]);
    },
  );
});
