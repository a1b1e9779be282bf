/** What is used of `@huggingface/tokenizers`, whose own types need another way of resolving modules than Node's. */

interface PreTokenizer {
  pre_tokenize_text(text: string): string[];
}

interface TokenModel {
  _call(pieces: readonly string[]): readonly string[];
}

type Vocab = Readonly<Record<string, number>>;

export interface Library {
  readonly SplitPreTokenizer: new (options: {
    readonly type: 'Split';
    readonly pattern: { readonly Regex: string };
    readonly behavior: 'Removed';
    readonly invert: true;
  }) => { readonly pattern: RegExp | null };
  readonly ByteLevelPreTokenizer: new (options: {
    readonly add_prefix_space: false;
    readonly use_regex: false;
  }) => PreTokenizer & { readonly byte_encoder: Readonly<Record<string, string>> };
  readonly BertNormalizer: new (options: {
    readonly clean_text: boolean;
    readonly handle_chinese_chars: boolean;
    readonly lowercase: boolean;
    readonly strip_accents: boolean;
  }) => { normalize(text: string): string };
  readonly BPE: new (options: {
    readonly vocab: Vocab;
    readonly merges: readonly (readonly [string, string])[];
    readonly unk_token: string | undefined;
    readonly fuse_unk: boolean;
    readonly byte_fallback: boolean;
    readonly ignore_merges: boolean;
  }) => TokenModel;
  readonly WordPiece: new (options: {
    readonly vocab: Vocab;
    readonly unk_token: string;
    readonly continuing_subword_prefix: string;
    readonly max_input_chars_per_word: number;
  }) => TokenModel;
  readonly Unigram: new (
    options: { readonly vocab: readonly (readonly [string, number])[]; readonly unk_id: number },
    endOfText: string,
  ) => TokenModel;
}

/** Loaded only when a tokenizer's file is read. */
export const loaded = async (): Promise<Library> => (await import('@huggingface/tokenizers')) as unknown as Library;
