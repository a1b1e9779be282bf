/**
 * `npm run bench:checkpoint`: what saving and loading a checkpoint take in memory, beside the model and what its optimizer keeps: the peak of
 * the resident set, each in a process of its own. Fails where one takes more than 1.2 times the file's size. Linux says peaks.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Subject } from 'rxjs';
import {
  adam,
  checkpointed,
  crossEntropy,
  dense,
  ids,
  machine,
  resume,
  type SignalWindow,
  saveRuns,
  stack,
  type Tensor,
  tbptt,
  tensor,
} from '../src/index.js';
import { aboveZero, argumentsOf, command, fail } from './arguments.js';

const ALLOWED = 1.2;
const MB = 1e6;
const [role, path, units] = [process.env.OXBOW_ROLE, process.env.OXBOW_FOLDER ?? '', Number(process.env.OXBOW_UNITS)];

const statusOf = (name: string): number =>
  1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
const resident = () => statusOf('VmRSS');
const forgetPeak = () => writeFileSync('/proc/self/clear_refs', '5');
const peak = () => statusOf('VmHWM');

/** One update of a model whose weights are most of a file's third: Adam keeps two more numbers for each. */
function learner(model: Parameters<typeof tbptt>[0], from?: never) {
  const windows$ = new Subject<SignalWindow<Tensor>>();
  windows$
    .pipe(
      tbptt(model as never, { loss: crossEntropy(), optimizer: adam(1e-3), from }),
      checkpointed(path, { model, everyMs: 1e9 }),
    )
    .subscribe({
      error: (error: unknown) => {
        throw error;
      },
    });
  const input = tensor([1, 1, units], new Float32Array(units).fill(0.1));
  return {
    learn: () => windows$.next({ input, target: ids([1, 1], [0]) } as SignalWindow<Tensor>),
    end: () => windows$.complete(),
  };
}

/** What a process of a role has to say, in bytes. */
async function measured(): Promise<{ readonly before: number; readonly model: number; readonly peak: number }> {
  machine();
  const before = resident();
  forgetPeak();
  if (role === 'save') {
    const model = stack({ head: dense(units, units) }, { seed: 1 });
    const { learn } = learner(model as never);
    learn();
    const after = resident();
    forgetPeak();
    await saveRuns();
    return { before, model: after - before, peak: peak() };
  }
  const kept = await resume(path);
  if (kept === undefined) throw new Error('there is no checkpoint');
  const { learn } = learner(kept.model as never, kept.snapshot as never);
  learn();
  return { before, model: Number.NaN, peak: peak() };
}

if (role !== undefined) {
  process.send?.(await measured());
  process.exit(0);
}

const program = command('npm run bench:checkpoint --')
  .description('Saves and loads a checkpoint, and says what that takes in memory.')
  .option('--megabytes <n>', 'that it is large', aboveZero('megabytes'), 1000);
argumentsOf<[]>('bench:checkpoint', program, process.argv.slice(2));
const { megabytes } = program.opts<{ readonly megabytes: number }>();
if (process.platform !== 'linux') fail('bench:checkpoint', 'only Linux says what the peak of memory was.', 2);

const folder = mkdtempSync(join(tmpdir(), 'oxbow-checkpoint-'));
const env = {
  ...process.env,
  OXBOW_FOLDER: join(folder, 'run'),
  OXBOW_UNITS: String(Math.round(Math.sqrt((megabytes * MB) / 12))),
};
const inProcess = (name: 'save' | 'load') =>
  new Promise<Awaited<ReturnType<typeof measured>>>((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), { env: { ...env, OXBOW_ROLE: name } });
    child.on('message', resolve);
    child.on('exit', (code) => code !== 0 && reject(new Error(`the process that is to ${name} ended with ${code}`)));
  });

try {
  const saved = await inProcess('save');
  const [file = ''] = readdirSync(env.OXBOW_FOLDER).filter((name) => name.startsWith('step-'));
  const { size } = statSync(join(env.OXBOW_FOLDER, file));
  const loaded = await inProcess('load');
  const mb = (bytes: number) => (bytes / MB).toFixed(0);
  let failed = false;
  for (const [name, { before, peak: most }] of Object.entries({ saving: saved, loading: loaded })) {
    const beside = most - before - saved.model;
    const share = beside / size;
    failed ||= share > ALLOWED;
    console.log(
      `${name} ${mb(size)} MB: ${mb(beside)} MB beside the model, ${share.toFixed(2)} times the file ` +
        `(peak ${mb(most)} MB, process ${mb(before)} MB, model and optimizer ${mb(saved.model)} MB)`,
    );
  }
  process.exitCode = failed ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true });
}
