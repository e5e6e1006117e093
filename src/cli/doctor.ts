import { defineCommand } from './command.js';
import { examine } from './doctor/checks.js';
import type { DoctorVerdict } from './doctor/finding.js';
import type { Cell, Style } from './output.js';

const WORDS: Readonly<Record<DoctorVerdict, { readonly text: string; readonly style: Style }>> = {
  pass: { text: 'ok', style: 'green' },
  later: { text: 'later', style: 'yellow' },
  fail: { text: 'FAILED', style: 'red' },
  away: { text: 'AWAY', style: 'red' },
};

const linesOf = (text: string): string[] => (text === '' ? [] : text.split('\n'));

export const command = defineCommand({
  description: 'Check that this machine has what reseal needs, and say how to get what is missing',
  arguments: {},
  options: {},
  async handler(context) {
    const checks = await examine(context);
    const has = (verdict: DoctorVerdict): boolean => checks.some((one) => one.verdict === verdict);
    const view = { schemaVersion: 1, verdict: has('fail') || has('away') ? 'fail' : 'pass', checks };
    context.output.show(view, () => {
      const rows = checks.flatMap((one): Cell[][] => {
        const [first = '', ...rest] = [...linesOf(one.reason), ...linesOf(one.remedy)];
        return [[one.check, WORDS[one.verdict], first], ...rest.map((line) => ['', '', line])];
      });
      return context.output.table(['CHECK', 'VERDICT', 'FOUND'], rows);
    });
    if (has('fail')) return 1;
    return has('away') ? 3 : 0;
  },
});
