/** Sizes that both sides must agree on: the AssemblyScript kernels and the TypeScript that calls them. */

/** No more rows than this against a row-major right operand: it is streamed as it lies, once a row. */
export const STREAM_ROWS = 3;

/** Columns of a cell of a product at most, and of a wide one, whose blocks are half as deep: what a member's scratch holds. */
export const CELL_COLUMNS = 256;
export const WIDE_COLUMNS = 512;

/** Numbers that are summed up, or updated, as one item. */
export const BLOCK = 4096;
