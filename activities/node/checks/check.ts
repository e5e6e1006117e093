import type { Instant, Sha256 } from '../../../src/domain/brands.js';
import type { CheckResult } from '../../../src/domain/node/probe.js';
import type { Placement } from '../../../src/domain/node/steps.js';
import type { CommandResult, Digested } from '../../../src/node-shell/contract.js';
import type { KnownManifest } from '../frozen-contents.js';
import type { NodeSession } from '../session.js';
import type { ProfileVerifier } from '../verifier.js';

/** What the node has, read once per probe; the checks judge it. */
export interface Observed {
  readonly session: NodeSession;
  readonly expected: KnownManifest;
  readonly verifier: ProfileVerifier;
  /** The node's clock. */
  readonly now: Instant;
  readonly active: Sha256 | null;
  readonly accepted: Readonly<Record<string, readonly Sha256[]>>;
  readonly profiles: readonly { readonly placement: Placement; readonly found: Digested | undefined }[];
  /** Differences in the frozen manifest and its rendered settings. */
  readonly manifestProblems: readonly string[];
  readonly findings: string[];
  /** Profiles that accepted manifests name, the expected one's included; filled by `stale-copies`. */
  readonly known: { readonly name: string; readonly uuid: string }[];
  /** Paths of profile files that no accepted manifest names; filled by `stale-copies`. */
  readonly strays: string[];
}

export type Check = (observed: Observed) => Promise<CheckResult>;

export const notDue = (check: string, reason: string): CheckResult => ({ check, verdict: 'not-due', reason });
export const pass = (check: string, reason: string): CheckResult => ({ check, verdict: 'pass', reason });

/** Fail with every problem; the first is the sentence, the number of them the evidence. */
export function judged(
  session: NodeSession,
  check: string,
  problems: readonly string[],
  good: string,
  verdict: 'fail' | 'inconclusive' = 'fail',
): CheckResult {
  const [first] = problems;
  if (first === undefined) return pass(check, good);
  const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`;
  return { check, verdict, reason: `Node ${session.node.name}: ${first}${more}.`, evidence: { problems: problems.length } };
}

/** The check of a program of the node's that gave no answer: no pass; a simulated node may have none. */
export function unanswered({ node }: NodeSession, check: string, program: string, result: CommandResult): CheckResult {
  if (result.code === 127 && node.environment === 'simulated') return notDue(check, 'a simulated node without the tools of a Mac');
  const what = result.code === 127 ? `it has no \`${program}\`` : result.expired ? `\`${program}\` did not end in time` : null;
  const reason = what ?? `\`${program}\` ended with ${result.code}, or answered something else than macOS does`;
  return { check, verdict: 'inconclusive', reason: `Node ${node.name}: ${reason}.` };
}
