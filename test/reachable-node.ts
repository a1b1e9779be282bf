/** Node for programs of other users, who cannot reach the one that runs the tests where that is in a folder of somebody's own. */
import { copyFileSync, existsSync, linkSync } from 'node:fs';
import { join } from 'node:path';

/** Node's path within a folder that they can reach. */
export function nodeWithin(folder: string): string {
  const path = join(folder, 'node');
  if (existsSync(path)) return path;
  try {
    linkSync(process.execPath, path);
  } catch {
    // Another file system, or one without links.
    copyFileSync(process.execPath, path);
  }
  return path;
}
