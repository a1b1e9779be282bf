/** The formats of other frameworks: a line each, so that what reads one is loaded when it is asked for. */
import type { Format, FormatName } from './format.js';

interface Entry {
  /** As the format itself has them, without loading it. */
  readonly endings: readonly string[];
  load(): Promise<Format>;
}

export const formats: Readonly<Partial<Record<FormatName, Entry>>> = {
  pytorch: {
    endings: ['.safetensors', '.pt', '.pth'],
    load: async () => (await import('./pytorch/pytorch.js')).pytorch,
  },
};

/** The names of all of them. */
export const formatNames = Object.keys(formats) as readonly FormatName[];
