/** What a browser's worker does, as text: of a Blob, or of a file of the package's own (`dist/worker.js`). */
import { LEADING, SERVING } from './host.js';

/** It gets a seat, leads or serves, and says when nothing of it writes any more. */
export const WORKING = `
  const serve = (seat) => {
    ${SERVING}
    postMessage('gone');
  };
  const lead = (seat) => {
    const done = () => postMessage('done');
    ${LEADING}
    // A program is over before the next message comes.
    onmessage = ({ data }) => (data === 'stop' ? postMessage('gone') : onProgram(data));
  };
  onmessage = ({ data: seat }) => {
    postMessage('online');
    if (seat.patience === undefined) serve(seat);
    else lead(seat);
  };
`;
