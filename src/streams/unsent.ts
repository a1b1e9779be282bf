/** Texts that a socket was given and the network has not taken yet. */
import { OPEN, type SocketLike } from './socket.js';

/** A socket that can be sent to. */
export interface SocketSink extends SocketLike {
  /** Bytes handed over that the network has not taken yet. */
  readonly bufferedAmount: number;
  /** Sockets of `ws` call back when the network has taken the text, or will not; those of browsers do not. */
  send(text: string, taken?: (error?: Error | null) => void): void;
}

export interface Unsent {
  readonly count: number;
  /** Gives a text to the socket. @throws whatever the socket throws. */
  send(text: string): void;
  /** Looks what the network has taken meanwhile. */
  look(): void;
}

/**
 * Counts what is on its way. A socket of `ws` says of each text what became of it. Others have only `bufferedAmount`: a text
 * is taken when fewer bytes wait than were given after it.
 *
 * @param onTaken called with each text that the network has taken, in their order.
 */
export function unsent(socket: SocketSink, onTaken: (text: string) => void): Unsent {
  const tells = 'on' in socket && typeof socket.on === 'function';
  const texts = new Set<{ readonly text: string /** Bytes given to the socket up to its own last. */; end: number }>();
  let bytes = 0;

  /** Takes texts off, the first one first, as long as one is gone. */
  function takeWhile(isGone: (text: { readonly end: number }) => boolean): void {
    for (const sent of texts) {
      if (!isGone(sent)) return;
      texts.delete(sent);
      onTaken(sent.text);
    }
  }

  return {
    get count() {
      return texts.size;
    },
    send(text) {
      if (texts.size === 0) bytes = 0;
      const before = socket.bufferedAmount;
      const sent = { text, end: Number.POSITIVE_INFINITY };
      texts.add(sent);
      try {
        if (tells) socket.send(text, (error) => error ?? takeWhile(() => texts.has(sent)));
        else socket.send(text);
      } catch (error) {
        texts.delete(sent);
        throw error;
      }
      bytes += Math.max(0, socket.bufferedAmount - before);
      sent.end = bytes;
    },
    look() {
      // A socket of `ws` that is lost forgets what waits.
      if (tells && (socket.readyState !== OPEN || socket.bufferedAmount > 0)) return;
      const gone = bytes - socket.bufferedAmount;
      takeWhile(({ end }) => end <= gone);
    },
  };
}
