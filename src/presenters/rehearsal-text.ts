import { headline, preamble, rehearsalSections } from './rehearsal-sections.js';
import type { RehearsalView } from './rehearsal.js';
import type { Pen } from './rotation-text.js';

const COLOUR = { breaks: 'red', heed: 'yellow' } as const;

/** The report for a terminal. */
export function rehearsalText(view: RehearsalView, pen: Pen, now: number): readonly string[] {
  const clock = (at: number): string => pen.time(at, now);
  const sections = rehearsalSections(view, clock).filter(({ table }) => table?.heading[0] !== 'CHECK');
  return [
    ...preamble(view, clock),
    ...view.findings.flatMap(({ verdict, check, found, expected, next }) => [
      '',
      `${pen.styled(verdict.padEnd(8), COLOUR[verdict])} ${pen.styled(check, 'bold')}`,
      `  found     ${found}`,
      `  expected  ${expected}`,
      `  next      ${next}`,
    ]),
    ...sections.flatMap(({ title, says, table }) => [
      '',
      pen.styled(title, 'bold'),
      ...says,
      ...(table === null ? [] : pen.table(table.heading, table.rows)),
    ]),
    '',
    pen.styled(headline(view), view.verdict === 'pass' ? 'green' : 'red'),
  ];
}
