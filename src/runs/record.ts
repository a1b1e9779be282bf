/** What a run keeps of itself: the model's weights by their paths, and all else as one packed value. */
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import { type FormatError, OxbowError } from '../errors.js';
import type { Checkpoint } from '../formats/checkpoint.js';
import { packed, unpacked } from '../formats/packed.js';
import { weightsOf } from '../formats/weights.js';
import { type Params, parametersOf } from '../parameters/parameter.js';
import { below } from '../path.js';

/** What is written down of a run, beyond its weights. */
export interface RunRecord {
  /** What the operator that learns needs to go on: its options. */
  readonly snapshot: unknown;
  /** Where the source goes on. */
  readonly position: unknown;
  /** What the run says of itself: vocabulary, recipe. */
  readonly about: unknown;
  /** How the model is made; null where it is not known. */
  readonly model: unknown;
}

/** No part of a model that is written down has this name; that of the metadata, too. */
const RUN = 'run';

/** A run as a checkpoint, whose arrays are the run's own. @throws TypeError where something of it is no plain data. */
export function recordOf(params: Params, record: RunRecord): Checkpoint {
  const [lost] = parametersOf(params).find(([path]) => path === RUN || path.startsWith(below(RUN, ''))) ?? [];
  if (lost !== undefined) {
    throw new RangeError(
      `checkpointed: the parameter ${lost} would be read as what the run keeps; give that part of the model a name other than ${RUN}.`,
    );
  }
  const { json, tensors } = packed(record, RUN);
  return { tensors: { ...weightsOf(params), ...tensors }, metadata: { [RUN]: json } };
}

/** What {@link recordOf} wrote down. */
export function readRecord({
  tensors,
  metadata,
}: Checkpoint): E.Either<FormatError, RunRecord & { weights: Checkpoint['tensors'] }> {
  const json = metadata[RUN];
  if (json === undefined) return bad('the file is of no run; load it by loadCheckpoint.');
  const all = Object.entries(tensors);
  const isRun = (path: string) => path === RUN || path.startsWith(`${RUN}.`) || path.startsWith(`${RUN}[`);
  return pipe(
    unpacked({ json, tensors: Object.fromEntries(all.filter(([path]) => isRun(path))) }),
    E.chain((record) => {
      if (typeof record !== 'object' || record === null) return bad('what the file says of its run is no record.');
      const { snapshot = null, position = undefined, about = undefined, model = null } = record as Partial<RunRecord>;
      return E.right({
        snapshot,
        position,
        about,
        model,
        weights: Object.fromEntries(all.filter(([path]) => !isRun(path))),
      });
    }),
  );
}

const bad = (message: string): E.Left<FormatError> => ({
  _tag: 'Left',
  left: new OxbowError<FormatError>({ _tag: 'BadMetadata', message }),
});
