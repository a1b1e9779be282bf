/** What is to be sent to one client, in order: no more is handed to the socket than the client may have to read yet. */
import { WebSocket } from 'ws';
import type { ServerMessage } from '../protocol/types.js';

export interface Outbox {
  /** Sends a message; where it has to wait, what it gives resolves when it is on its way. */
  put(message: ServerMessage): Promise<void> | undefined;
  /** Whether nothing waits. */
  readonly isFree: boolean;
  close(): void;
}

interface Waiting {
  readonly frame: Buffer;
  sent(): void;
}

/** The socket is not read from while something waits, so that nobody asks for more than they read. */
export function outbox(socket: WebSocket, buffer: number, stallMs: number, stalled: () => void): Outbox {
  const line: Waiting[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  const isOpen = () => socket.readyState === WebSocket.OPEN;
  const fits = ({ length }: Buffer) => socket.bufferedAmount === 0 || socket.bufferedAmount + length <= buffer;

  function send(frame: Buffer): void {
    // A failure is followed by the socket's `close`.
    socket.send(frame, { binary: false }, () => pump());
  }

  function pump(): void {
    if (line.length === 0) return;
    let moved = false;
    for (let first = line[0]; first !== undefined && isOpen() && fits(first.frame); first = line[0]) {
      line.shift();
      send(first.frame);
      first.sent();
      moved = true;
    }
    if (!moved) return;
    clearTimeout(timer);
    timer = line.length > 0 ? setTimeout(stalled, stallMs) : undefined;
    if (line.length === 0) socket.resume();
  }

  return {
    put(message) {
      if (!isOpen()) return undefined;
      const frame = Buffer.from(JSON.stringify(message));
      if (line.length === 0 && fits(frame)) {
        send(frame);
        return undefined;
      }
      if (line.length === 0) {
        socket.pause();
        timer = setTimeout(stalled, stallMs);
      }
      return new Promise((sent) => line.push({ frame, sent }));
    },
    get isFree() {
      return line.length === 0;
    },
    close() {
      clearTimeout(timer);
      for (const { sent } of line.splice(0)) sent();
    },
  };
}
