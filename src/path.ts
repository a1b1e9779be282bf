/** Paths: the names of what lies within one another, from outside to inside, with dots between them. */

/** The path of a part of what is at a path; nothing is at the empty one but the whole. */
export const below = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** The path of the whole that a part belongs to, and the part's own name. */
export function parted(path: string): readonly [whole: string, name: string] {
  const dot = path.lastIndexOf('.');
  return [path.slice(0, Math.max(0, dot)), path.slice(dot + 1)];
}
