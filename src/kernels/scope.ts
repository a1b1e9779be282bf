/** The span in which places may be read: a window, or until a parameter grows. */
export interface Scope {
  open: boolean;
  /** Whose memory all of it is: while any of its places is held, that memory is not given back. */
  owner?: unknown;
}
