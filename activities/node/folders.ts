import { posix } from 'node:path';
import type { NodePath } from '../../src/node-shell/contract.js';
import type { WritingSession } from './session.js';
import { StateFile } from './state-file.js';

const record = (session: WritingSession): StateFile<readonly NodePath[]> =>
  new StateFile(session.files, session.paths.stateFile('folders.json'));

/** The folders that are missing for all of these to be there, each after the one that it is in. */
export async function missingFolders({ files }: WritingSession, wanted: readonly NodePath[]): Promise<readonly NodePath[]> {
  const missing = await Promise.all([...new Set(wanted)].map((folder) => files.missingFolders(folder)));
  return [...new Set(missing.flat())];
}

/**
 * Makes folders, and remembers first which of them builds did not have before, so that they can go again. The operation's admission is on
 * disk by then; syncing the folders that these are in is left to the caller.
 */
export async function makeFolders(session: WritingSession, missing: readonly NodePath[]): Promise<void> {
  const { files, name, order } = session;
  const seen = missing.filter((folder) => isShared(session, folder));
  if (seen.length > 0) {
    const known = (await record(session).read(name)) ?? [];
    await record(session).write(name, [...new Set([...known, ...seen])], order.opId);
  }
  for (const folder of missing) await files.makeFolder(folder);
}

/** Not the agent's own state, and not one manifest's settings, which go away with it. */
function isShared({ files, paths }: WritingSession, folder: NodePath): boolean {
  const real = files.resolve(folder);
  return ![paths.state, paths.settings].some((own) => real.startsWith(`${files.resolve(own)}/`)) && real !== files.resolve(paths.state);
}

/** Removes the folders that reseal made and that are empty by now, innermost first: the trees are again as they were before it came. */
export async function removeOwnFolders(session: WritingSession): Promise<boolean> {
  const { files, name, order, attempt, held } = session;
  const known = (await record(session).read(name)) ?? [];
  const left = new Set(known);
  const gone: NodePath[] = [];
  for (const folder of [...known].sort((a, b) => b.length - a.length)) {
    // What holds a folder that stays need not be looked into.
    if ([...left].some((other) => other.startsWith(`${folder}/`))) continue;
    if ((await files.list(folder)).some((file) => !gone.includes(`${folder}/${file}`))) continue;
    left.delete(folder);
    if (await files.exists(folder)) gone.push(folder);
  }
  if (left.size === known.length) return false;
  if (gone.length > 0) {
    await attempt.journal.intend(gone.map((folder) => ({ do: 'remove-folder', subject: folder })));
    for (const folder of gone) {
      await held.check();
      await files.removeEmptyFolder(folder);
      attempt.journal.result({ do: 'remove-folder', subject: folder }, true);
    }
    const parents = [...new Set(gone.map((folder) => posix.dirname(folder)))];
    const there = await Promise.all(parents.map((folder) => files.exists(folder)));
    await files.syncFolders(parents.filter((_, position) => there[position]));
  }
  await record(session).write(name, [...left], order.opId);
  return gone.length > 0;
}
