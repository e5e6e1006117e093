import type { Finding } from '../domain/triage/finding.js';
import type { Pen } from './rotation-text.js';
import type { TriagedBundleView, TriageView } from './triage.js';

const WORDS = {
  ok: { text: 'ok', style: 'green' },
  warn: { text: 'warn', style: 'yellow' },
  fail: { text: 'FAIL', style: 'red' },
} as const;

/** What `reseal triage` shows people: the bundles, then each step in its order, and last what to do first. */
export function triageText(view: TriageView, pen: Pen): string[] {
  const bundles = view.artifact === null ? [] : [...bundlesText(view.artifact.bundles, pen), ''];
  return [...bundles, ...view.stages.flatMap((stage, index) => stageText(stage, index + 1, pen)), ...closing(view, pen)];
}

const bundlesText = (bundles: readonly TriagedBundleView[], pen: Pen): string[] =>
  pen.table(
    ['BUNDLE', 'ROLE', 'BUNDLE ID', 'PROFILE', 'UNTIL', 'TEAM', 'SIGNED BY'],
    bundles.map(({ path, role, bundleId, profile, signature }) => [
      plain(path),
      role,
      plain(bundleId ?? '-'),
      profile.uuid ?? profile.state,
      profile.expiresAt?.slice(0, 10) ?? '-',
      profile.team ?? '-',
      signature.signer === null ? signature.state : `${signature.signer.slice(0, 8)} ${plain(signature.authorities[0] ?? '')}`,
    ]),
  );

function stageText({ title, skipped, findings }: TriageView['stages'][number], number: number, pen: Pen): string[] {
  const heading = pen.styled(`${number} ${title}`, 'bold');
  if (skipped !== null) return [heading, pen.styled(`  not looked at: ${skipped}`, 'dim'), ''];
  const width = Math.max(...findings.map(({ subject }) => plain(subject).length));
  return [heading, ...findings.flatMap((finding) => findingText(finding, width, pen)), ''];
}

function findingText({ subject, verdict, evidence, remedy, violates }: Finding, width: number, pen: Pen): string[] {
  const word = WORDS[verdict];
  const indent = ' '.repeat(2 + 4 + 2 + (width === 0 ? 0 : width + 2));
  const named = width === 0 ? '' : `${plain(subject).padEnd(width)}  `;
  const first = `  ${pen.styled(word.text, word.style)}${' '.repeat(4 - word.text.length)}  ${named}${plain(evidence)}`;
  return remedy === '' ? [first] : [first, `${indent}${plain(remedy)} ${pen.styled(`(${violates.join(', ')})`, 'dim')}`];
}

function closing({ stages, verdict }: TriageView, pen: Pen): string[] {
  const findings = stages.flatMap((stage) => stage.findings);
  const count = (of: 'fail' | 'warn'): number => findings.filter((one) => one.verdict === of).length;
  if (verdict === 'ok') return [pen.styled(findings.length === 0 ? 'Nothing was looked at.' : 'Nothing wrong was found.', 'green')];
  const counted = `${plural(count('fail'), 'fault')} and ${plural(count('warn'), 'warning')}`;
  const first = findings.find((one) => one.verdict === verdict);
  const begin =
    first === undefined ? '' : ` Begin with the first: ${first.subject === '' ? '' : `${plain(first.subject)}: `}${plain(first.remedy)}.`;
  return [`${pen.styled(counted, verdict === 'fail' ? 'red' : 'yellow')}.${begin}`];
}

const plural = (count: number, what: string): string => `${count === 0 ? 'no' : count} ${what}${count === 1 ? '' : 's'}`;

/** Names come from files that may be anybody's: nothing in them may steer the terminal. */
const plain = (text: string): string => text.replace(/\p{Cc}/gu, '?');
