/** Steps that run again: once two were captured that are the same word for word, each further one is one call. */

import type { BufferView } from '../kernels/buffer-view.js';
import type { Program } from '../kernels/machine-type.js';
import { type Recorded, sameRecords } from '../ops/recording.js';
import { type Parameter, versionOf } from '../parameters/parameter.js';
import type { StepperMemory } from './memory.js';
import type { SharedPanels } from './shared-panels.js';

export interface Replay {
  /** Takes a step as it was captured. @returns whether it is the same as the one before it, if there is one. */
  take(record: Recorded, output: BufferView): boolean;
  /** Runs the step, after what follows from the weights where these have changed; undefined before two were taken. */
  run(): BufferView | undefined;
  /** Whether parameters lie elsewhere since the last call, because they have grown: then what was captured is forgotten. */
  moved(): boolean;
}

interface Programs {
  readonly preparation: Program;
  readonly step: Program;
  readonly output: BufferView;
  /** That of the weights for which the preparation ran. */
  version: number;
}

export function replayOf(
  memory: StepperMemory,
  parameters: readonly Parameter[],
  panels: SharedPanels | undefined,
): Replay {
  let former: Recorded | undefined;
  let programs: Programs | undefined;
  let places: readonly BufferView[] = [];
  let version = -1;
  return {
    take(record, output) {
      if (former !== undefined) {
        if (!sameRecords(former, record)) return false;
        programs = {
          preparation: memory.program(record.preparation),
          step: memory.program(record.step),
          output,
          version,
        };
      }
      former = record;
      return true;
    },
    run() {
      if (programs === undefined) return undefined;
      const { machine } = memory;
      if (programs.version !== version) {
        panels?.refresh();
        machine.replay(programs.preparation);
        programs.version = version;
      }
      machine.replay(programs.step);
      return programs.output;
    },
    moved() {
      const now = versionOf(parameters);
      if (version === now) return false;
      version = now;
      if (parameters.every(({ place }, k) => place === places[k])) return false;
      places = parameters.map(({ place }) => place);
      former = undefined;
      programs = undefined;
      memory.freePrograms();
      return true;
    },
  };
}
