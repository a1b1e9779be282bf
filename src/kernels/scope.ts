/** The span in which places may be read: a window, or until a parameter grows. */
export interface Scope {
  open: boolean;
  /** Whose memory all of it is: whoever holds one of its places keeps that from being given back. */
  owner?: unknown;
}
