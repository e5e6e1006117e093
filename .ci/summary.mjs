// Names the skipped, the unsteady and the failed tests of vitest's JSON reports, then closes with their counts on one line.
// `--again REPORT`: of the files that failed, once more and by themselves, and passed; that is what counts of them.
import { basename } from 'node:path';
import { readReports } from './reports.mjs';

const args = process.argv.slice(2);
const at = args.indexOf('--again');
const again = at === -1 ? [] : readReports(args.splice(at, 2).slice(1)).files;
const { missing, files: first } = readReports(args);
for (const path of missing) console.log(`failed: the test runner left no report ${basename(path)}: it did not run to its end`);

const named = (files, wanted) => files.flatMap(({ file, tests }) => tests.filter(wanted).map((test) => `${file}: ${test.fullName}`));
const isFailed = (test) => test.status === 'failed';
/** What failed of a file: its tests, or the file itself. */
const failures = (files) =>
  files
    .filter(({ failed }) => failed)
    .flatMap((file) => (file.tests.some(isFailed) ? named([file], isFailed) : [`${file.file}: ${file.message}`]));

const repeated = (file) => again.some((one) => one.file === file.file);
const files = [...first.filter((file) => !repeated(file)), ...again];
const passed = named(files, (test) => test.status === 'passed');
const skipped = named(files, (test) => !['passed', 'failed'].includes(test.status));
for (const name of skipped) console.log(`skipped: ${name}`);
for (const name of failures(first.filter(repeated))) console.log(`unsteady (failed beside other tests, passed by itself): ${name}`);
for (const name of failures(files)) console.log(`failed: ${name}`);

const failed = failures(files).length + missing.length;
console.log(`${passed.length} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`);
process.exit(failed === 0 && passed.length > 0 ? 0 : 1);
