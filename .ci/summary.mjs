// Names the skipped and the failed tests of vitest's JSON reports, then closes with their counts on one line.
import { existsSync, readFileSync } from 'node:fs';
import { basename, relative } from 'node:path';

const paths = process.argv.slice(2);
const missing = paths.filter((path) => !existsSync(path));
for (const path of missing) console.log(`failed: the test runner left no report ${basename(path)}: it did not run to its end`);
const reports = paths.filter((path) => existsSync(path)).map((path) => JSON.parse(readFileSync(path, 'utf8')));
const files = reports.flatMap((report) => report.testResults);
const tests = files.flatMap((file) => file.assertionResults.map((test) => ({ ...test, file: relative(process.cwd(), file.name) })));
const passed = tests.filter((test) => test.status === 'passed');
const failed = tests.filter((test) => test.status === 'failed');
const skipped = tests.filter((test) => !['passed', 'failed'].includes(test.status));
const broken = files.filter((file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'));
for (const test of skipped) console.log(`skipped: ${test.file}: ${test.fullName}`);
for (const test of failed) console.log(`failed: ${test.file}: ${test.fullName}`);
for (const file of broken) console.log(`failed: ${relative(process.cwd(), file.name)}: ${file.message.split('\n')[0]}`);

const failures = failed.length + broken.length + missing.length;
console.log(`${passed.length} passed, ${failures} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`);
process.exit(failures === 0 && passed.length > 0 ? 0 : 1);
