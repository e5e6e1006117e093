// What vitest's JSON reports say, test by test and file by file.
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

/** Of those paths that are there; a report is missing where the test runner did not run to its end. */
export function readReports(paths) {
  const there = paths.filter((path) => existsSync(path));
  const files = there.flatMap((path) => JSON.parse(readFileSync(path, 'utf8')).testResults);
  return {
    missing: paths.filter((path) => !there.includes(path)),
    files: files.map(({ name, status, message, assertionResults }) => ({
      file: relative(process.cwd(), name),
      tests: assertionResults,
      failed: status === 'failed' || assertionResults.some((test) => test.status === 'failed'),
      // A file that failed outside its tests: it did not load, or its set-up did not end.
      message: message.split('\n')[0],
    })),
  };
}
