import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Both are found from the repository's folder, in which `npm run` and the tests begin. */
const OWN = 'test/fuzz/corpus';
const SHARED = '../shared/fixtures';

/** A small input of our own. */
export const own = (name: string): Uint8Array => Uint8Array.from(readFileSync(join(OWN, name)));
export const ownText = (name: string): string => readFileSync(join(OWN, name), 'utf8');

/** What lies beside the repository, where it does: inputs more, of the real tools and of Apple. */
export function shared(folder: string, ending: string): readonly Uint8Array[] {
  const path = join(SHARED, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => Uint8Array.from(readFileSync(join(path, name))));
}
