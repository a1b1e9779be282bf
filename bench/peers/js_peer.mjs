// JavaScript peers beside us: answers on stdout, one JSON line for each request line on stdin, as torch_peer.py does.
//
// usage: node js_peer.mjs tfjs-wasm|tfjs-cpu|brain
// A request is {"case":"W3 lstm128x2","seconds":0.4}; the answer has the rate over at least one step, in the case's unit,
// or the median time of W5. The first request for a case builds and warms it.
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

// Answers alone go to stdout, whatever the libraries have to say.
for (const name of ['log', 'info', 'debug']) console[name] = console.error;

const below = (count) => Math.floor(Math.random() * count);

async function tensorFlow(backend) {
  const { default: tf } = await import('@tensorflow/tfjs');
  if (backend === 'wasm') {
    const wasm = await import('@tensorflow/tfjs-backend-wasm');
    const home = dirname(fileURLToPath(import.meta.resolve('@tensorflow/tfjs-backend-wasm/package.json')));
    wasm.setWasmPaths(join(home, 'wasm-out/'));
  }
  if (!(await tf.setBackend(backend))) throw new Error(`the backend ${backend} does not start`);
  await tf.ready();

  const symbols = (shape) =>
    tf.tensor(
      Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => below(65)),
      shape,
      'int32',
    );
  const oneHot = (shape) => tf.cast(tf.oneHot(symbols(shape), 65), 'float32');

  function product(m, n, k) {
    const [a, b] = [tf.randomNormal([m, k]), tf.randomNormal([k, n])];
    const step = () => {
      const c = tf.matMul(a, b);
      c.dataSync();
      c.dispose();
    };
    return { step, work: (2 * m * n * k) / 1e9 };
  }

  function training(layers, shape, target, optimizer, clipNorm) {
    const model = tf.sequential({ layers });
    const variables = model.trainableWeights.map((weight) => weight.read());
    const [x, y] = [oneHot(shape), oneHot(target)];
    const lossOf = () => tf.losses.softmaxCrossEntropy(y, model.apply(x, { training: true }));
    const step = () =>
      tf.tidy(() => {
        const { value, grads } = tf.variableGrads(lossOf, variables);
        if (clipNorm !== undefined) {
          const squares = Object.values(grads).map((gradient) => tf.sum(tf.square(gradient)));
          const norm = tf.sqrt(tf.addN(squares));
          const scale = tf.minimum(1, tf.div(clipNorm, norm));
          for (const name of Object.keys(grads)) grads[name] = tf.mul(grads[name], scale);
        }
        optimizer.applyGradients(grads);
        value.dataSync();
      });
    return { step, work: shape[0] * shape[1] };
  }

  function generation(units, count) {
    const table = tf.randomNormal([65, 64]);
    const forget = tf.scalar(1);
    const cells = Array.from({ length: count }, (_, k) => {
      const kernel = tf.randomNormal([(k === 0 ? 64 : units) + units, 4 * units], 0, 0.1);
      const bias = tf.zeros([4 * units]);
      return (x, c, h) => tf.basicLSTMCell(forget, kernel, bias, x, c, h);
    });
    const [head, bias] = [tf.randomNormal([units, 65], 0, 0.1), tf.zeros([65])];
    let [c, h] = [cells.map(() => tf.zeros([1, units])), cells.map(() => tf.zeros([1, units]))];
    let symbol = 0;
    const step = () => {
      const [p, c2, h2] = tf.tidy(() => {
        const x = tf.gather(table, tf.tensor1d([symbol], 'int32'));
        const [newC, newH] = tf.multiRNNCell(cells, x, c, h);
        return [tf.softmax(tf.add(tf.matMul(newH[count - 1], head), bias)), newC, newH];
      });
      const probabilities = p.dataSync();
      tf.dispose([p, c, h]);
      [c, h] = [c2, h2];
      let left = Math.random();
      symbol = 0;
      while (symbol < 64 && left >= probabilities[symbol]) left -= probabilities[symbol++];
    };
    return { step, work: 1 };
  }

  // The embedding is the product with one-hot rows: the wasm backend has no gradient of a look-up.
  const language = () => {
    const kept = { units: 128, returnSequences: true, stateful: true };
    const layers = [
      tf.layers.dense({ units: 64, useBias: false, batchInputShape: [32, 50, 65] }),
      tf.layers.lstm(kept),
      tf.layers.lstm(kept),
      tf.layers.dense({ units: 65 }),
    ];
    return training(layers, [32, 50], [32, 50], tf.train.adam(1e-3), 5);
  };
  const lastStep = () => {
    const layers = [tf.layers.simpleRNN({ units: 128, inputShape: [10, 65] }), tf.layers.dense({ units: 65 })];
    return training(layers, [128, 10], [128], tf.train.rmsprop(1e-3));
  };
  return {
    'W1 128x512x128': () => product(128, 512, 128),
    'W1 32x2048x512': () => product(32, 2048, 512),
    'W1 512x512x512': () => product(512, 512, 512),
    'W1 1024x1024x1024': () => product(1024, 1024, 1024),
    'W1 20x10000x500': () => product(20, 10_000, 500),
    'W2 rnn128': lastStep,
    'W3 lstm128x2': language,
    'W5 lstm128x1': () => generation(128, 1),
    'W5 lstm512x2': () => generation(512, 2),
  };
}

/** One text after the other: brain.js has no batches, and predicts every character of a text, not the last one alone. */
async function brain() {
  const { recurrent } = (await import('brain.js')).default;
  const texts = (count, length) =>
    Array.from({ length: count }, () => Array.from({ length }, () => String.fromCharCode(48 + below(65))).join(''));
  function training(Kind, hiddenLayers, data) {
    const net = new Kind({ hiddenLayers });
    const step = () => net.train(data, { iterations: 1, errorThresh: 0, log: false });
    return { step, work: data.length * data[0].length };
  }
  return {
    'W2 rnn128': () => training(recurrent.RNN, [128], texts(128, 10)),
    'W3 lstm128x2': () => training(recurrent.LSTM, [128, 128], texts(32, 50)),
  };
}

/** A step that takes longer than this warms itself. */
const SLOW = 1;

const timed = (step) => {
  const start = performance.now();
  step();
  return (performance.now() - start) / 1000;
};

let built = { name: undefined };

function answer({ case: name, seconds }) {
  if (!Object.hasOwn(cases, name)) return { case: name, error: 'unknown' };
  if (built.name !== name) {
    built = { name, ...cases[name]() };
    for (let warm = 0; warm < 3 && timed(built.step) < SLOW; warm += 1);
  }
  const { step, work } = built;
  const times = [];
  const start = performance.now();
  do times.push(timed(step));
  while (performance.now() - start < seconds * 1000);
  if (!name.startsWith('W5')) return { case: name, figure: (work * times.length * 1000) / (performance.now() - start) };
  times.sort((a, b) => a - b);
  return { case: name, figure: times[times.length >> 1] * 1e6 };
}

const [peer] = process.argv.slice(2);
const cases = await (peer === 'brain' ? brain() : tensorFlow(peer.replace('tfjs-', '')));
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let reply;
  try {
    reply = answer(request);
  } catch (error) {
    reply = { case: request.case, error: String(error.message ?? error).slice(0, 300) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
