// Names the skipped and the failed tests of vitest's JSON report, then closes with its counts on one line.
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

const [path = ''] = process.argv.slice(2);
if (!existsSync(path)) {
  console.error('The test runner left no report: it did not run to its end.');
  process.exit(1);
}
const report = JSON.parse(readFileSync(path, 'utf8'));
const tests = report.testResults.flatMap((file) =>
  file.assertionResults.map((test) => ({ ...test, file: relative(process.cwd(), file.name) })),
);
const skipped = tests.filter((test) => !['passed', 'failed'].includes(test.status));
const broken = report.testResults.filter(
  (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
);
for (const test of skipped) console.log(`skipped: ${test.file}: ${test.fullName}`);
for (const test of tests.filter((one) => one.status === 'failed')) console.log(`failed: ${test.file}: ${test.fullName}`);
for (const file of broken) console.log(`failed: ${relative(process.cwd(), file.name)}: ${file.message.split('\n')[0]}`);

const failures = report.numFailedTests + broken.length;
console.log(`${report.numPassedTests} passed, ${failures} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`);
process.exit(failures === 0 && report.numPassedTests > 0 ? 0 : 1);
