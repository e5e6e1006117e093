import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { GitFailure, NO_SPACE } from './command.js';

const REPORT = /^fast-import: dumping crash report to (.+)\n?/m;
const HALF_WRITTEN = /^tmp_(?:pack|idx|obj)_/;

/**
 * Takes away what a `git fast-import` that failed leaves in the repository: its crash report, and on a full disk what it had begun to write, for
 * every further try would leave as much, and keep full a disk that somebody has just made room on. The reason is kept: where git did not say it on the
 * way, the failure's words get it from the report, and the command that it came of.
 * @param since when that git was started, in milliseconds since 1970
 * @returns the failure, told in full
 */
export async function afterFailedImport(repository: string, failure: GitFailure, since: number): Promise<GitFailure> {
  const report = await takeReport(repository, failure.said);
  if (NO_SPACE.test(failure.said)) await removeHalfWritten(join(repository, 'objects'), since);
  return new GitFailure(
    failure.command,
    failure.status,
    [failure.said.replace(REPORT, '').trim(), ...told(report, failure.said)].join('\n'),
  );
}

/** What the report says; empty where there is none, or the disk had no room for it. Only the file that this very git has named. */
async function takeReport(repository: string, said: string): Promise<string> {
  const path = REPORT.exec(said)?.[1]?.trim();
  if (path === undefined || dirname(resolve(path)) !== resolve(repository) || !basename(path).startsWith('fast_import_crash_')) return '';
  const text = await readFile(path, 'utf8').catch(() => '');
  await rm(path, { force: true });
  return text;
}

/** The report's own reason where git did not say it, and the command that failed: the last one before the data that came with it. */
function told(report: string, said: string): readonly string[] {
  const reason = /^fatal: .+$/m.exec(report)?.[0];
  const recent = /^Most Recent Commands Before Crash\n-+\n((?:[ *] .+\n)+)/m.exec(report)?.[1] ?? '';
  const command = recent
    .split('\n')
    .map((line) => line.slice(2))
    .filter((line) => line !== '' && !/^data \d+$/.test(line))
    .at(-1);
  return [...(reason === undefined || said.includes(reason) ? [] : [reason]), ...(command === undefined ? [] : [`(at: ${command})`])];
}

/**
 * Files that no name leads to yet, of the time of the failed git. Should one belong to another git that is writing this moment, on the same full
 * disk, that one fails in its turn, before it moves the branch: git moves it last.
 */
async function removeHalfWritten(objects: string, since: number): Promise<void> {
  const folders = (await readdir(objects))
    .filter((name) => name === 'pack' || /^[0-9a-f]{2}$/.test(name))
    .map((name) => join(objects, name));
  for (const folder of folders) {
    for (const name of (await readdir(folder)).filter((one) => HALF_WRITTEN.test(one))) {
      const path = join(folder, name);
      const written = await stat(path).then(
        (found) => found.mtimeMs,
        () => null,
      );
      // A file system may count whole seconds only.
      if (written !== null && written >= since - 1_000) await rm(path, { force: true });
    }
  }
}
