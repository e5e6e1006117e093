import { defineCommand } from './command.js';
import { examine } from './doctor/checks.js';
import type { Cell, Style } from './output.js';

const WORDS: Readonly<Record<'pass' | 'fail' | 'later', { readonly text: string; readonly style: Style }>> = {
  pass: { text: 'ok', style: 'green' },
  later: { text: 'later', style: 'yellow' },
  fail: { text: 'FAILED', style: 'red' },
};

const linesOf = (text: string): string[] => (text === '' ? [] : text.split('\n'));

export const command = defineCommand({
  description: 'Check that this machine has what reseal needs, and say how to get what is missing',
  arguments: {},
  options: {},
  async handler(context) {
    const checks = await examine(context);
    const failed = checks.filter((one) => one.verdict === 'fail');
    const view = { schemaVersion: 1, verdict: failed.length === 0 ? 'pass' : 'fail', checks };
    context.output.show(view, () => {
      const rows = checks.flatMap((one): Cell[][] => {
        const [first = '', ...rest] = [...linesOf(one.reason), ...linesOf(one.remedy)];
        return [[one.check, WORDS[one.verdict], first], ...rest.map((line) => ['', '', line])];
      });
      return context.output.table(['CHECK', 'VERDICT', 'FOUND'], rows);
    });
    return failed.length === 0 ? 0 : 1;
  },
});
