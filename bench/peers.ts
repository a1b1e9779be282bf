/** Peers that run beside us, in processes of their own: they are asked for one repetition at a time. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Peer {
  readonly name: string;
  /** One repetition of a case; undefined where the peer does not have it. */
  measure(name: string, seconds: number): Promise<number | undefined>;
  stop(): void;
}

interface Start {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Instruction sets held to AVX2: the width that WebAssembly reaches. */
const avx2 = { OPENBLAS_CORETYPE: 'Haswell', ATEN_CPU_CAPABILITY: 'avx2', DNNL_MAX_CPU_ISA: 'AVX2' };

/**
 * PyTorch with a number of threads of its own and of OpenBLAS's. Its matrix products are OpenBLAS's, which by itself uses
 * all processors even where PyTorch uses one.
 */
export function torch(threads: number, blasThreads: number, heldToAvx2: boolean): Start {
  return {
    name: `torch ${threads}/${blasThreads}${heldToAvx2 ? ' AVX2' : ''}`,
    command: '/usr/bin/python3',
    args: [fileURLToPath(new URL('../../bench/peers/torch_peer.py', import.meta.url)), String(threads)],
    environment: { OPENBLAS_NUM_THREADS: String(blasThreads), ...(heldToAvx2 && avx2) },
  };
}

/** Starts a peer; undefined where it is not installed. */
export async function startPeer({ name, command, args, environment = {} }: Start): Promise<Peer | undefined> {
  let child: ChildProcessWithoutNullStreams;
  try {
    child = spawn(command, args, { env: { ...process.env, ...environment } });
  } catch {
    return undefined;
  }
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);

  async function measure(one: string, seconds: number): Promise<number | undefined> {
    child.stdin.write(`${JSON.stringify({ case: one, seconds })}\n`);
    const { value, done } = await answers.next();
    return done ? undefined : (JSON.parse(value) as { figure?: number }).figure;
  }

  const works = await measure('W1 128x512x128', 0.01);
  if (works === undefined) return undefined;
  return { name, measure, stop: () => void child.kill() };
}
