// Names the skipped, the unsteady and the failed tests of vitest's JSON reports, then closes with their counts on one line.
// `--again REPORT`: what the files that failed said when they ran once more, by themselves; that is what counts of them.
import { basename } from 'node:path';
import { readReports } from './reports.mjs';

const args = process.argv.slice(2);
const at = args.indexOf('--again');
const again = at === -1 ? [] : readReports(args.splice(at, 2).slice(1)).files;
const { missing, files: first } = readReports(args);
for (const path of missing) console.log(`failed: the test runner left no report ${basename(path)}: it did not run to its end`);

const files = first.map((file) => again.find((one) => one.file === file.file) ?? file);
const among = (list, wanted) => list.flatMap(({ file, tests }) => tests.filter(wanted).map((test) => `${file}: ${test.fullName}`));
const passed = among(files, (test) => test.status === 'passed');
const failed = among(files, (test) => test.status === 'failed');
const skipped = among(files, (test) => !['passed', 'failed'].includes(test.status));
const broken = files.filter((file) => file.failed && !file.tests.some((test) => test.status === 'failed'));
const unsteady = [
  ...among(first, (test) => test.status === 'failed').filter((name) => passed.includes(name)),
  ...first
    .filter(
      (file) =>
        file.failed && !files.some((one) => one.file === file.file && one.failed) && !file.tests.some((test) => test.status === 'failed'),
    )
    .map(({ file }) => `${file}: its set-up`),
];
for (const name of skipped) console.log(`skipped: ${name}`);
for (const name of unsteady) console.log(`unsteady (failed beside other tests, passed by itself): ${name}`);
for (const name of failed) console.log(`failed: ${name}`);
for (const file of broken) console.log(`failed: ${file.file}: ${file.message}`);

const failures = failed.length + broken.length + missing.length;
const counts = [`${passed.length} passed`, `${failures} failed`];
if (skipped.length > 0) counts.push(`${skipped.length} skipped`);
console.log(counts.join(', '));
process.exit(failures === 0 && passed.length > 0 ? 0 : 1);
