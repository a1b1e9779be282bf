/** Texts in many scripts, made of what Node knows of Unicode: the same ones everywhere, without a file. */
import { generator } from '../../src/random.js';

const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/** All names of a kind in a language, by codes of so many letters. */
function namesIn(language: string, type: 'region' | 'language' | 'currency', letters: 2 | 3): readonly string[] {
  const names = new Intl.DisplayNames(language, { type, fallback: 'none' });
  const pairs = LETTERS.flatMap((a) => LETTERS.map((b) => a + b));
  const codes = letters === 2 ? pairs : pairs.flatMap((pair) => LETTERS.map((c) => pair + c));
  return codes.flatMap((code) => names.of(type === 'language' ? code.toLowerCase() : code) ?? []);
}

/** The characters that Chinese uses most, 3,755 of them by their sound: the first level of GB 2312, rows 16 to 55. */
function hanzi(): readonly string[] {
  const rows = Array.from({ length: 40 }, (_, row) => row + 16);
  const bytes = rows.flatMap((row) => Array.from({ length: 94 }, (_, cell) => [0xa0 + row, 0xa1 + cell]).flat());
  return [...new TextDecoder('gb18030').decode(Uint8Array.from(bytes))].filter((symbol) =>
    /\p{Script=Han}/u.test(symbol),
  );
}

/**
 * Lines of Chinese: a day of the calendar, a country with a currency and a language, and words of two characters, the second of which
 * follows from the first; frequent ones are as frequent as words are (1 / rank).
 */
export function chinese(lines: number, { words = 6, seed = 1 } = {}): string {
  const random = generator(seed);
  const all = hanzi();
  const day = new Intl.DateTimeFormat('zh-u-ca-chinese', { dateStyle: 'long', timeZone: 'UTC' });
  const [regions, currencies, languages] = [
    namesIn('zh', 'region', 2),
    namesIn('zh', 'currency', 3),
    namesIn('zh', 'language', 2),
  ];
  // One in u · ln n of n words has at most that rank.
  const often = (of: readonly string[]) => of[Math.floor(of.length ** random.uniform()) - 1] as string;
  const word = () => {
    const first = Math.floor(all.length ** random.uniform()) - 1;
    return `${all[(first * 1009) % all.length]}${all[(first * 2027 + 11) % all.length]}`;
  };
  const line = (k: number) =>
    `${day.format(k * 86_400_000)}，${often(regions)}用${often(currencies)}，说${often(languages)}：` +
    `${Array.from({ length: words }, word).join('，')}。\n`;
  return Array.from({ length: lines }, (_, k) => line(k)).join('');
}
