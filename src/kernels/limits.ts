/** Sizes that both sides must agree on: the AssemblyScript kernels and the TypeScript that calls them. */

/** No more rows than this against a row-major right operand: it is streamed as it lies, once a row. */
export const STREAM_ROWS = 3;

/** Columns of a cell of a product at most: what a member's scratch holds. */
export const CELL_COLUMNS = 256;

/** Numbers that are summed up, or updated, as one item. */
export const BLOCK = 4096;
