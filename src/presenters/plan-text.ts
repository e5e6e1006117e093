import { describeDuration } from '../domain/duration.js';
import type { Arithmetic } from '../domain/rotation/timeline.js';
import type { Pen } from './rotation-text.js';

/** What a rotation would do, with its arithmetic; nothing is written anywhere. */
export interface PlanView {
  readonly schemaVersion: 1;
  readonly line: string;
  readonly feasible: boolean;
  readonly kind: string | null;
  readonly replacements: readonly string[];
  readonly missing: readonly string[];
  readonly ignored: readonly string[];
  readonly cohorts: readonly (readonly string[])[];
  readonly maxUnavailable: number;
  readonly horizon: string | null;
  readonly arithmetic: Arithmetic | null;
  readonly reasons: readonly string[];
  /** Where a successor was chosen that cannot be had: what there is to choose from. */
  readonly offers: readonly string[];
}

export function planText(view: PlanView, pen: Pen, now: number): string[] {
  const lines = [
    `${pen.styled(view.line, 'bold')}  ${view.feasible ? pen.styled('can be rotated now', 'green') : pen.styled('must not be rotated now', 'red')}`,
  ];
  lines.push(...view.reasons.map((reason) => `  ${pen.styled('refused', 'red')}   ${reason}`));
  lines.push(...view.offers.map((what) => `  ${pen.styled('on offer', 'dim')}  ${what}`));
  lines.push(...view.missing.map((what) => `  ${pen.styled('missing', 'yellow')}   ${what}`));
  lines.push(...view.replacements.map((what) => `  ${pen.styled('replaces', 'dim')}  ${what}`));
  lines.push(...view.ignored.map((what) => `  ${pen.styled('ignored', 'dim')}   ${what}`));
  view.cohorts.forEach((cohort, wave) =>
    lines.push(`  ${pen.styled((wave === 0 ? 'canary' : `wave ${wave}`).padEnd(9), 'dim')} ${named(cohort)}`),
  );
  const sum = view.arithmetic;
  if (sum === null || view.horizon === null) return lines;
  lines.push(
    '',
    ...pen.table(
      ['PART', 'AT ITS LONGEST'],
      sum.parts.map((part) => [part.name, describeDuration(part.duration)]),
    ),
  );
  lines.push(
    '',
    `needed ${describeDuration(sum.needed)}; left ${describeDuration(Math.max(0, sum.available))} until the horizon, ${pen.time(Date.parse(view.horizon), now).replace(/ \(.*$/, '')}`,
  );
  return lines;
}

const named = (nodes: readonly string[]): string =>
  nodes.length > 6 ? `${nodes.slice(0, 6).join(', ')} and ${nodes.length - 6} more` : nodes.join(', ');
