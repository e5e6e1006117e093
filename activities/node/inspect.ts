import type { Instant } from '../../src/domain/brands.js';
import { isBreakGlass } from '../../src/domain/node/break-glass.js';
import { NODE_PROTOCOL } from '../../src/domain/node/order.js';
import type { NodeReport } from '../../src/domain/node/report.js';
import type { KnownManifest } from './frozen-contents.js';
import { fenceSeen } from './journal.js';
import { readPins } from './pins.js';
import { probeNode } from './probe.js';
import type { NodeSession } from './session.js';
import type { ProfileVerifier } from './verifier.js';

const MOST_PROBLEMS = 20;
const MOST_PINS = 20;

/** Node truth on one line, as a report. */
export async function inspect(
  session: NodeSession,
  expected: KnownManifest,
  verifier: ProfileVerifier,
  now: Instant,
  version: string,
  next: KnownManifest | null,
): Promise<NodeReport> {
  const probe = await probeNode(session, expected, verifier, now, next);
  const pins = await readPins(session, now);
  const fence = await fenceSeen(session.files, session.paths.stateFile('journal'), session.name, probe.journal);
  const brokenGlass = fence !== null && isBreakGlass(fence);
  return {
    node: session.node.name,
    at: probe.at,
    protocol: NODE_PROTOCOL,
    version,
    image: session.node.image,
    active: probe.active,
    accepted: probe.accepted,
    epoch: fence?.epoch ?? 0,
    identities: probe.identities,
    pins: { ...pins, held: pins.held.slice(0, MOST_PINS) },
    verdict: probe.verdict,
    problems: probe.checks.filter((one) => one.verdict === 'fail' || one.verdict === 'inconclusive').slice(0, MOST_PROBLEMS),
    findings: brokenGlass ? [...probe.findings, `the last to change ${session.name} on it was a person on the spot, without the control plane (${fence.opId})`] : probe.findings, // prettier-ignore
    ...(brokenGlass ? { brokenGlass } : {}),
    checks: probe.checks,
  };
}
