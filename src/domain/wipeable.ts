/** Trees that Xcode, macOS or cleaning jobs empty without asking; `~` is the home folder of the node's user. */
const WIPEABLE = ['~/Library/Developer/Xcode/DerivedData', '~/Library/Caches', '/tmp', '/var/tmp', '/var/folders'];

/** Folders that macOS keeps under /private and links to from the root. */
const LINKED = /^\/private(?=\/(?:tmp|var|etc)(?:\/|$))/;

/** `/Users/<name>` is some user's home; whose it is makes no difference to what cleaners do below it. */
const HOME = /^\/users\/[^/]+(?=\/|$)/;

/**
 * One spelling per path: no empty, `.` or `..` parts, `/private` links resolved, home folders as `~`, lower case, since a Mac's
 * volumes ignore case unless they were made otherwise.
 */
function canonical(path: string): string {
  const parts: string[] = [];
  const root = path.startsWith('~') ? 1 : 0;
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.length > root) parts.pop();
  }
  const joined = root === 1 ? parts.join('/') : `/${parts.join('/')}`;
  return joined.toLowerCase().replace(LINKED, '').replace(HOME, '~');
}

const isBelow = (path: string, tree: string): boolean => path === tree || path.startsWith(tree === '/' ? '/' : `${tree}/`);

/**
 * The wipeable tree that a path on a node lies in, as a person would name it; null where it is safe. `path` is the node's
 * own: absolute or below `~` (of a `local` node: within its home folder). `more` is `policy.wipeable`.
 */
export function wipeableTreeOf(path: string, more: readonly string[] = []): string | null {
  const own = canonical(path);
  if (own.split('/').includes('.cache')) return '.cache';
  return [...WIPEABLE, ...more].find((tree) => isBelow(own, canonical(tree))) ?? null;
}
