/** `oxbow/interchange`: models from files of other frameworks, and into such files. */

export type { FileError, InterchangeError } from '../errors.js';
export type { FormatName, TargetFile } from '../interchange/format.js';
export {
  type ExportOptions,
  encodeModel,
  exportModel,
  type FormatOptions,
  type ImportOptions,
  type InterchangeSource,
  importModel,
} from '../interchange/interchange.js';
