/** `oxbow/node`: what needs files, and so Node. All of it is in `oxbow` too, where a browser refuses it by name. */

export {
  loadCheckpoint,
  loadCheckpointEither,
  saveCheckpoint,
  saveCheckpointEither,
} from '../formats/checkpoint-file.js';
export { loadUtterances, loadUtterancesEither } from '../formats/utterances/load.js';
export { fromSequenceFiles, type SequenceFilesOptions } from '../formats/utterances/sequence-files.js';
export {
  loadTagger,
  loadTaggerEither,
  saveTagger,
  saveTaggerEither,
} from '../models/tagger/online/checkpoint.js';
export { loadNewest, openRunFolder, type RunFolder, type RunFolderOptions, type WriteOptions } from '../runs/folder.js';
export type { Newest, Provenance, StoredCheckpoint } from '../runs/stored.js';
export { type FilePosition, type FromFileOptions, fromFile } from '../streams/from-file.js';
export { loadTokenizer } from '../streams/tokenizer/load-tokenizer.js';
