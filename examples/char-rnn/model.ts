/** The model: symbols in, logits of the next symbol out. */
import { dense, embedding, gru, type Ids, type Layer, lstm, oneHot, simpleRnn, stack, stacked } from 'oxbow';

const cells = { rnn: simpleRnn, lstm, gru };

export type CellName = keyof typeof cells;
export const cellNames = Object.keys(cells) as readonly CellName[];

export interface Shape {
  readonly cell: CellName;
  readonly units: number;
  readonly layers: number;
  /** Features of an embedded symbol; 0 is one-hot. */
  readonly embed: number;
}

export type CharModel = Layer<unknown, Ids>;

export function charModel({ cell, units, layers, embed }: Shape, symbols: number, seed: number): CharModel {
  const first = embed === 0 ? oneHot(symbols) : embedding(symbols, embed);
  const widths = [embed === 0 ? symbols : embed, ...Array.from({ length: layers - 1 }, () => units)];
  return stack(
    {
      embed: first,
      rnn: stacked(widths.map((inputs) => cells[cell](inputs, units))),
      head: dense(units, symbols),
    },
    { seed },
  );
}
