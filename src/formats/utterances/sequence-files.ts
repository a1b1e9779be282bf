import type { Observable } from 'rxjs';
import { host } from '#host';
import { checkedOptions, type Names } from '../../options.js';
import { fromAsync } from '../../streams/from-async.js';
import { badLine } from './failure.js';
import { fieldsOf, type Lines, linesOf } from './lines.js';
import type { Utterance } from './utterance.js';

/** Names of the files in the folder. */
export interface SequenceFilesOptions {
  /** Default `seq.in`. */
  readonly words?: string;
  /** `null` where there are none. Default `seq.out`. */
  readonly tags?: string | null;
  /** `null` where there are none. Default `label`, if the folder has it. */
  readonly intents?: string | null;
}

const NAME = 'fromSequenceFiles';

type Role = 'words' | 'tags' | 'intents';

/** Words are always there. */
type Files = { readonly [role in Role]?: Lines };

/** Line n of each file; undefined where there is no file, or where it has ended. */
interface Row {
  readonly number: number;
  readonly texts: { readonly [role in Role]?: string | undefined };
}

/** Files side by side, line by line, until all have ended. */
async function* rowsOf(files: Files): AsyncGenerator<Row, void, void> {
  const next = async (file: Lines | undefined) => (await file?.lines.next())?.value?.text;
  try {
    for (let number = 1; ; number += 1) {
      const texts = {
        words: await next(files.words),
        tags: await next(files.tags),
        intents: await next(files.intents),
      };
      if (Object.values(texts).every((text) => text === undefined)) return;
      yield { number, texts };
    }
  } finally {
    for (const file of Object.values(files)) await file.lines.return();
  }
}

const isBlank = ({ texts }: Row): boolean =>
  Object.values(texts).every((text) => text === undefined || fieldsOf(text).length === 0);

/** @throws UtteranceError where the lines do not belong together. */
function utteranceOf(files: Files, { number, texts }: Row): Utterance {
  const fields = (role: Role): readonly string[] | undefined => {
    const [file, text] = [files[role], texts[role]];
    if (file === undefined || text !== undefined) return text === undefined ? undefined : fieldsOf(text);
    const why = 'the file ends before this line, and the others do not; each utterance has a line in every file.';
    throw badLine(NAME, 'MissingLines', file.path, number, why);
  };
  const [words = [], tags, intent] = [fields('words'), fields('tags'), fields('intents')];
  if (tags !== undefined && tags.length !== words.length) {
    const why = `${tags.length} tags for the ${words.length} words of ${files.words?.path}; each word has one tag.`;
    throw badLine(NAME, 'CountMismatch', files.tags?.path as string, number, why);
  }
  if (intent !== undefined && intent.length !== 1) {
    const found = intent.length === 0 ? 'no intent' : `${intent.length} words instead of an intent`;
    const why = `${found}; each utterance has one, without spaces.`;
    throw badLine(NAME, 'BadLine', files.intents?.path as string, number, why);
  }
  return { words, ...(tags && { tags }), ...(intent && { intent: intent[0] as string }) };
}

async function filesOf(folder: string, options: SequenceFilesOptions, signal: AbortSignal): Promise<Files> {
  const { words = 'seq.in', tags = 'seq.out' } = options;
  const intents =
    options.intents === undefined && (await host.exists(host.pathOf(folder, 'label')))
      ? 'label'
      : (options.intents ?? null);
  return {
    words: linesOf(NAME, host.pathOf(folder, words), signal),
    ...(tags === null ? {} : { tags: linesOf(NAME, host.pathOf(folder, tags), signal) }),
    ...(intents === null ? {} : { intents: linesOf(NAME, host.pathOf(folder, intents), signal) }),
  };
}

async function* read(
  folder: string,
  options: SequenceFilesOptions,
  signal: AbortSignal,
): AsyncGenerator<Utterance, void, void> {
  const files = await filesOf(folder, options, signal);
  const wordless: Utterance = { words: [], ...(files.tags && { tags: [] }) };
  // Not known to be utterances before something follows.
  let blanks = 0;
  for await (const row of rowsOf(files)) {
    if (isBlank(row)) {
      blanks += 1;
      continue;
    }
    for (; blanks > 0; blanks -= 1) yield wordless;
    yield utteranceOf(files, row);
  }
}

/**
 * Utterances of a folder with a file of words, one of tags and one of intents: line n of each is utterance n, its words
 * and tags parted by spaces or tabs.
 *
 * A pull source: lines are read when the pipeline has dealt with the last utterance; unsubscribing closes the files.
 * Lines end in LF or CRLF, and a byte-order mark is left out. A blank line is an utterance without words; blank lines
 * at the end are nothing.
 *
 * Source: the form in which Goo et al., Slot-gated modeling for joint slot filling and intent prediction (2018), have
 * ATIS and Snips.
 *
 * @param folder the path of the folder.
 * @param options names of the files.
 * @returns the utterances in the order of the lines; each subscription reads the files again.
 * @throws TypeError where an option is not known.
 * @throws OxbowError (as an error notification), an {@link UtteranceError} naming file and line, where an utterance has not as many tags as
 * words, where a file ends before the others, and where an intent is none.
 * @throws OxbowError (as an error notification), a {@link FileError}, where a file cannot be read.
 * @example
 * ```ts no-run
 * fromSequenceFiles('atis/train').subscribe(({ words, tags, intent }) => console.log(intent, words, tags));
 * ```
 */
export function fromSequenceFiles(folder: string, options: SequenceFilesOptions = {}): Observable<Utterance> {
  const names: Names<SequenceFilesOptions> = { words: true, tags: true, intents: true };
  const checked = checkedOptions('fromSequenceFiles', options, names);
  return fromAsync((signal) => read(folder, checked, signal));
}
