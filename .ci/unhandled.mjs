// A reporter of vitest's: what failed outside every test (an error that nobody caught) goes to the file that RESEAL_CI_UNHANDLED names. The JSON
// report says nothing of it.
import { writeFileSync } from 'node:fs';

export default class Unhandled {
  onTestRunEnd(_modules, errors) {
    if (errors.length > 0) writeFileSync(process.env.RESEAL_CI_UNHANDLED, errors.map(({ message }) => `${message}\n`).join(''));
  }
}
