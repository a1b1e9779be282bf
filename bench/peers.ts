/** Peers that run beside us, in processes of their own: they are asked for one repetition at a time. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Contender } from './bars.js';

/** A figure in the case's unit, or why there is none; `'unknown'` where the peer does not have the case. */
export type Answer = { readonly figure: number } | { readonly error: string };

export interface Peer extends Contender {
  /** One repetition of a case. */
  measure(name: string, seconds: number): Promise<Answer>;
  stop(): void;
}

interface Start extends Contender {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

const script = (name: string) => fileURLToPath(new URL(`../../bench/peers/${name}`, import.meta.url));

/** Instruction sets held to AVX2: the width that WebAssembly reaches. */
const avx2 = { OPENBLAS_CORETYPE: 'Haswell', ATEN_CPU_CAPABILITY: 'avx2', DNNL_MAX_CPU_ISA: 'AVX2' };

/**
 * PyTorch with a number of threads of its own and of OpenBLAS's. Its matrix products are OpenBLAS's, which by itself uses
 * all processors even where PyTorch uses one.
 */
function torch(threads: number, blasThreads: number, vectors: 'own' | 'AVX2'): Start {
  const held = vectors === 'AVX2';
  return {
    name: `torch ${threads}/${blasThreads}${held ? ' AVX2' : ''}`,
    vectors,
    command: '/usr/bin/python3',
    args: [script('torch_peer.py'), String(threads)],
    environment: { OPENBLAS_NUM_THREADS: String(blasThreads), ...(held && avx2) },
  };
}

const javascript = (name: string, which: string): Start => ({
  name,
  command: process.execPath,
  args: [script('js_peer.mjs'), which],
});

interface Wanted {
  readonly threads: number;
  /** Whether the processor has vectors wider than AVX2's, so that PyTorch runs held to those too. */
  readonly wide: boolean;
  /** PyTorch with threads of its own too; one is its best, since its pool and OpenBLAS's get in each other's way. */
  readonly allSettings: boolean;
}

function starts({ threads, wide, allSettings }: Wanted): readonly Start[] {
  const own = allSettings && threads > 1 ? [1, threads] : [1];
  return [
    ...own.map((count) => torch(count, threads, 'own')),
    ...(wide ? own.map((count) => torch(count, threads, 'AVX2')) : []),
    javascript('tfjs wasm', 'tfjs-wasm'),
    javascript('tfjs cpu', 'tfjs-cpu'),
    javascript('brain.js', 'brain'),
  ];
}

/** Starts a peer; undefined where it is not installed. */
async function startPeer({ command, args, environment = {}, ...contender }: Start): Promise<Peer | undefined> {
  const child = spawn(command, args, {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  // What cannot be started, or has ended, gives no answer; that is how it is known.
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);

  async function ask(name: string, seconds: number): Promise<Answer | undefined> {
    child.stdin.write(`${JSON.stringify({ case: name, seconds })}\n`);
    const { value, done } = await answers.next();
    return done ? undefined : (JSON.parse(value) as Answer);
  }

  // No peer has a case without a name: whoever says so is there.
  if ((await ask('', 0)) === undefined) return undefined;
  return {
    ...contender,
    measure: async (name, seconds) => (await ask(name, seconds)) ?? { error: 'its process has ended' },
    stop: () => void child.kill(),
  };
}

/** Starts the peers that are installed, and names those that are not. */
export async function startPeers(
  wanted: Wanted,
): Promise<{ readonly peers: readonly Peer[]; readonly missing: readonly string[] }> {
  const peers: Peer[] = [];
  const missing: string[] = [];
  for (const start of starts(wanted)) {
    const peer = await startPeer(start);
    if (peer === undefined) missing.push(start.name);
    else peers.push(peer);
  }
  return { peers, missing };
}
