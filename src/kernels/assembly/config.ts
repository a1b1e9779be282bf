// What differs between the tiers. `npm run kernels` writes this file for each of them.

/** Whether relaxed multiply-add (one rounding) is there. */
export const FMA: bool = true;
/** Rows of the largest register tile; every tile is 16 columns wide. */
export const TILE_ROWS: i32 = 6;
