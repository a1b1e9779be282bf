/** The formats of other frameworks: a line each, so that what reads one is loaded when it is asked for. */
import type { Format, FormatName } from './format.js';

interface Entry {
  /** As the format itself has them, without loading it. */
  readonly endings: readonly string[];
  /** The options of its writer, by name. */
  readonly options?: readonly string[];
  load(): Promise<Format>;
}

export const formats: Readonly<Record<FormatName, Entry>> = {
  pytorch: {
    endings: ['.safetensors', '.pt', '.pth'],
    load: async () => (await import('./pytorch/pytorch.js')).pytorch,
  },
  onnx: {
    endings: ['.onnx'],
    options: ['graph'],
    load: async () => (await import('./onnx/onnx.js')).onnx,
  },
  keras: {
    endings: ['.keras', '.weights.h5', '.h5', '.hdf5'],
    options: ['inputShape'],
    load: async () => (await import('./keras/index.js')).keras,
  },
  tfjs: {
    endings: ['model.json'],
    load: async () => (await import('./tfjs/index.js')).tfjs,
  },
};

/** The names of all of them. */
export const formatNames = Object.keys(formats) as readonly FormatName[];
