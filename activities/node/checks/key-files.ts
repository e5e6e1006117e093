import type { CheckResult } from '../../../src/domain/node/probe.js';
import type { NodePath } from '../../../src/node-shell/contract.js';
import { judged, notDue, type Observed } from './check.js';

/** Where people put a downloaded key, below the home; the home's top, mount and state are looked at too. Folders in them are not. */
const USUAL_PLACES = ['Desktop', 'Documents', 'Downloads'];
const KEY_FILE = /\.(?:p12|pfx|p8)$/i;

/** Private keys as files on a host that may hold none (T1). A bounded search: names in the usual places, not below them, and not what is inside. */
export async function keyFiles({ session }: Observed): Promise<CheckResult> {
  const { node, files } = session;
  if (node.keys !== 'forbidden') return notDue('key-files', 'keys: allowed');
  const home = await files.list('~');
  const places: readonly NodePath[] = [
    ...USUAL_PLACES.filter((name) => home.includes(name)).map((name) => `~/${name}`),
    node.mount,
    node.state,
  ];
  const lists = [{ place: '~', names: home }];
  for (const place of places) lists.push({ place, names: await files.list(place) });
  const problems = lists.flatMap(({ place, names }) => {
    const keys = names.filter((name) => KEY_FILE.test(name)).length;
    return keys === 0
      ? []
      : [`${place} has ${keys} key ${keys === 1 ? 'file' : 'files'} (.p12, .pfx, .p8), and it may hold no keys; delete them there`];
  });
  return judged(session, 'key-files', problems, 'no key files in home, Desktop, Documents, Downloads, mount and state');
}
