/**
 * Pipelines that must compile, and pipelines that must not: held by the type check, never run. A line that compiles
 * below `@ts-expect-error` is an error of its own.
 */
import type { Observable } from 'rxjs';
import { gru } from '../../src/cells/gru.js';
import { type LstmCarry, lstm } from '../../src/cells/lstm.js';
import { simpleRnn } from '../../src/cells/simple-rnn.js';
import { stacked } from '../../src/cells/stacked.js';
import type { Layer } from '../../src/layer.js';
import { dense } from '../../src/layers/dense.js';
import { dropout } from '../../src/layers/dropout.js';
import { embedding } from '../../src/layers/embedding.js';
import type { FitProgress, History } from '../../src/models/progress.js';
import { sequential } from '../../src/models/sequential.js';
import type { Ops } from '../../src/ops/ops.js';
import { stack } from '../../src/stack.js';
import type { Ids, Tensor } from '../../src/tensor.js';
import type { Loss } from '../../src/training/losses/loss.js';
import { optimizer as inOps } from '../../src/training/optimizers/in-ops.js';
import type { Optimizer } from '../../src/training/optimizers/optimizer.js';

declare const ids$: Observable<Ids>;
declare const signal$: Observable<Tensor>;
declare const text$: Observable<string>;
declare const ops: Ops;

const model = stack({ embed: embedding(65, 64), drop: dropout(0.1), rnn: lstm(64, 128), head: dense(128, 65) });
const two = stacked([lstm(64, 128), gru(128, 128)]);

// A layer is an operator, and so is a stack of them.
export const logits$: Observable<Tensor> = ids$.pipe(embedding(65, 64), lstm(64, 128), dense(128, 65));
export const same$: Observable<Tensor> = ids$.pipe(model);
export const deeper$: Observable<Tensor> = signal$.pipe(two);
export const exact: Layer<LstmCarry> = lstm(1, 1);

// Symbols are not text, and features are not symbols.
// @ts-expect-error text is no signal
export const untokenised$ = text$.pipe(model);
// @ts-expect-error an embedding takes ids
export const embedded$ = signal$.pipe(embedding(65, 64));
// @ts-expect-error a model that begins with an embedding takes ids
export const features$ = signal$.pipe(model);
// @ts-expect-error the output of a layer is no ids
export const twice$ = ids$.pipe(embedding(65, 64), embedding(65, 64));

// Carries are known by name.
const carry = model.initial(1);
export const c: Tensor = carry.rnn.c;
// @ts-expect-error there is no such layer
carry.lstm;
// @ts-expect-error an LSTM carries h and c
carry.rnn.z;
// @ts-expect-error a simple network has no cell
simpleRnn(1, 1).initial(1).c;
export const below: Tensor = two.initial(1).layer1.c;
export const above: Tensor = two.initial(1).layer2.h;
// @ts-expect-error a GRU has no cell
two.initial(1).layer2.c;
// @ts-expect-error there are two layers
two.initial(1).layer3;
export const nested: Tensor = stack({ inner: model }).initial(1).inner.rnn.h;

// Options are values and functions; a typo is an error.
dense(1, 1, { activation: 'relu' });
// @ts-expect-error there is no such activation
dense(1, 1, { activation: 'rely' });
// @ts-expect-error there are two forms
gru(1, 1, { reset: 'never' });
// @ts-expect-error no such option
lstm(1, 1, { seeds: 1 });
// @ts-expect-error a layer must be one
stack({ rnn: 5 });

// A list of layers takes what its first one takes, compiled or not; a training is awaited or subscribed to.
declare const loss: Loss;
declare const optimizer: Optimizer;
const listed = sequential([embedding(65, 64), lstm(64, 128), dense(128, 65)]);
const compiled = listed.compile({ loss, optimizer, metrics: ['accuracy'] });
export const listed$: Observable<Tensor> = ids$.pipe(listed);
export const compiled$: Observable<Tensor> = ids$.pipe(compiled);
export const progress$: Observable<FitProgress> = compiled.fit([[1]], [0]);
export const history = async (): Promise<History> => await compiled.fit([[1]], [0]);
// @ts-expect-error a model that begins with an embedding takes ids
signal$.pipe(compiled);
// @ts-expect-error what is not compiled learns nothing
listed.fit([[1]], [0]);
// @ts-expect-error there is no such metric
listed.compile({ loss, optimizer, metrics: ['acuracy'] });

// Ids are no features, whoever gets them; a tensor whose type nobody knows may be either.
declare const ids1: Ids;
// @ts-expect-error an LSTM calculates with what it is given
ids$.pipe(lstm(64, 128));
// @ts-expect-error so does a stack of layers of features
ids$.pipe(stack({ rnn: lstm(64, 128), head: dense(128, 65) }));
// @ts-expect-error within a stack too: what stands first decides
stack({ rnn: lstm(64, 128) }).apply(ops, { rnn: lstm(64, 128).initial(1) }, ids1);
signal$.pipe(stack({ rnn: lstm(64, 128), head: dense(128, 65) }));

// Numbers fold, whatever array they lie in; parameters and carries are known by name, and carries can be walked.
declare const signal: Tensor;
export const sum: number = signal.data.reduce((total, value) => total + value, 0);
export const texts: readonly string[] = signal.data.reduce((all: string[], value) => all.concat(String(value)), []);
export const wx: Float32Array = model.params.rnn.wx.data;
export const nestedTable: Float32Array = stack({ inner: model }).params.inner.embed.table.data;
// @ts-expect-error there is no such parameter
model.params.rnn.wz;
export const parts: Readonly<Record<string, Tensor>> = model.initial(1).rnn;

// A rule in Ops has what it keeps by name, and gives it back.
export const own: Optimizer = inOps({
  kind: 'own',
  slots: ['velocity'],
  first: { velocity: 1 },
  learningRate: 0.1,
  update: (_, { gradient, velocity }) => ({ weights: gradient, velocity }),
});
export const forgetful = inOps({
  kind: 'forgetful',
  slots: ['velocity'],
  learningRate: 0.1,
  // @ts-expect-error what is kept is missing
  update: (_, { weights }) => ({ weights }),
});
export const misnamed = inOps({
  kind: 'misnamed',
  slots: ['velocity'],
  learningRate: 0.1,
  // @ts-expect-error it keeps no speed
  update: (_, { weights, speed }) => ({ weights, velocity: speed }),
});
// @ts-expect-error it keeps nothing that could start with a number
inOps({ kind: 'own', first: { velocity: 1 }, learningRate: 0.1, update: (_, { weights }) => ({ weights }) });
