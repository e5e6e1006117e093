// The test files that failed, one a line, of vitest's JSON reports.
import { readReports } from './reports.mjs';

for (const { file, failed } of readReports(process.argv.slice(2)).files) if (failed) console.log(file);
