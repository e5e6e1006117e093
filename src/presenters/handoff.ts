import type { HandoffEnvelope, HandoffFinding } from '../domain/signing/handoff.js';
import { isSound } from '../domain/signing/handoff.js';
import { shortDigest } from './digest.js';
import type { Pen } from './rotation-text.js';

export interface HandoffCreatedView {
  readonly schemaVersion: 1;
  readonly path: string;
  readonly envelope: HandoffEnvelope;
  /** Whether a reseal that runs was told of it. */
  readonly registered: boolean;
}

export interface HandoffVerdictView {
  readonly schemaVersion: 1;
  readonly path: string;
  readonly verdict: 'pass' | 'fail';
  readonly envelope: HandoffEnvelope;
  readonly checks: readonly HandoffFinding[];
}

export interface HandoffListView {
  readonly schemaVersion: 1;
  readonly handoffs: readonly {
    readonly line: string;
    readonly manifest: string;
    readonly pipeline: string;
    readonly job: string;
    readonly bundles: readonly string[];
    readonly artifact: string;
    readonly issuedAt: string;
    readonly expiresAt: string;
  }[];
}

export const handoffVerdict = (path: string, envelope: HandoffEnvelope, checks: readonly HandoffFinding[]): HandoffVerdictView => ({
  schemaVersion: 1,
  path,
  verdict: isSound(checks) ? 'pass' : 'fail',
  envelope,
  checks,
});

export const handoffCreatedText = ({ path, envelope, registered }: HandoffCreatedView, pen: Pen, now: number): string[] => [
  `${pen.styled(path, 'bold')} hands ${envelope.artifact.name} on, built by ${envelope.pipeline} with ${shortDigest(envelope.profile_manifest_sha)} of ${envelope.line}`,
  `  artifact  ${envelope.artifact.sha256}`,
  `  manifest  ${envelope.profile_manifest_sha}`,
  `  until     ${pen.time(Date.parse(envelope.expiresAt), now)}`,
  ...(registered ? ['  reseal knows of it: impact counts it until then'] : []),
];

export function handoffVerdictText({ path, verdict, envelope, checks }: HandoffVerdictView, pen: Pen): string[] {
  const failed = checks.filter((check) => check.verdict === 'fail').length;
  const head =
    verdict === 'pass'
      ? `${path} is sound: ${envelope.artifact.name} of ${envelope.pipeline}, job ${envelope.job}`
      : `${path} is not to be used: ${failed} ${failed === 1 ? 'check' : 'checks'} failed`;
  return [pen.styled(head, verdict === 'pass' ? 'green' : 'red'), ...pen.table(['CHECK', 'VERDICT', 'FOUND'], checks.map((check) => [check.check, check.verdict, check.reason]))]; // prettier-ignore
}
