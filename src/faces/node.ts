/** `oxbow/node`: what needs files, and so Node. All of it is in `oxbow` too, where a browser refuses it by name. */

export { loadCheckpoint, saveCheckpoint } from '../formats/checkpoint-file.js';
export { loadUtterances } from '../formats/utterances/load.js';
export { fromSequenceFiles, type SequenceFilesOptions } from '../formats/utterances/sequence-files.js';
export { loadTagger, saveTagger } from '../models/tagger/online/checkpoint.js';
export { fromFile } from '../streams/from-file.js';
