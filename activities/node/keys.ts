import type { Instant, Sha1 } from '../../src/domain/brands.js';
import { isOpen } from '../../src/domain/calendar.js';
import { expectedIdentities } from '../../src/domain/expected.js';
import {
  isDedicated,
  judgeIdentities,
  judgeKeychains,
  judgeNoIdentities,
  judgePartitions,
  judgePlaces,
  keychainFindings,
  revokedFindings,
  SYSTEM_KEYCHAIN,
  type SeenKeychain,
} from '../../src/domain/node/identities.js';
import type { CheckResult } from '../../src/domain/node/probe.js';
import type { IdentitySummary } from '../../src/domain/node/report.js';
import { identitySummary, type ListedIdentities } from '../../src/mac/find-identity.js';
import { Security, type Said, type Unsaid } from '../../src/mac/security.js';
import { sha256Of } from '../../src/manifest/digest.js';
import type { LineDeclaration } from '../../src/domain/topology.js';
import type { KnownManifest } from './frozen-contents.js';
import type { NodeSession } from './session.js';

/** What a node says of its identities and keychains; read once per probe. */
export interface KeysSeen {
  readonly checks: readonly CheckResult[];
  /** null: it did not say. */
  readonly summary: IdentitySummary | null;
  readonly findings: readonly string[];
}

/** Identities where they should be and nowhere else, and the keychains that hold them (S5, S7). Only looks. */
export async function lookAtKeys(session: NodeSession, expected: KnownManifest, now: Instant): Promise<KeysSeen> {
  const { node, line, policy } = session;
  const security = new Security(session.files, policy.probe.checkTimeout);
  const listed = await security.identities();
  if ('none' in listed) return { checks: [unknown(session, 'identities', listed)], summary: null, findings: [] };
  const summary = summaryOf(listed.answer);
  if (node.keys === 'forbidden') return { checks: [judgeNoIdentities(node.name, listed.answer.matching)], summary, findings: [] };
  const wanted = expectedIdentities(node, line, expected.manifest);
  const seen = await lookAtKeychains(security, wanted, listed.answer);
  if ('none' in seen) return { checks: [judgeIdentities(node.name, wanted, listed.answer), unknown(session, 'keychains', seen)], summary, findings: revokedFindings(node.name, listed.answer) }; // prettier-ignore
  const checks = [
    judgeIdentities(node.name, wanted, listed.answer),
    judgeKeychains(node.name, seen, unlockWindow(line, now)),
    judgePlaces(node.name, wanted, seen),
    judgePartitions(node.name, seen),
  ];
  const findings = [...revokedFindings(node.name, listed.answer), ...keychainFindings(wanted, seen, policy.retirement.maxBuildDuration)];
  return { checks, summary, findings };
}

/** What the keychains of the search list hold is asked only where it matters: one is locked, locks by itself, is a dedicated one, or rows are double. */
async function lookAtKeychains(
  security: Security,
  wanted: readonly Sha1[],
  { matching }: ListedIdentities,
): Promise<readonly SeenKeychain[] | Unsaid> {
  const list = await security.searchList();
  if ('none' in list) return list;
  const shown = await security.keychains(list.answer);
  if ('none' in shown) return shown;
  const seen = list.answer.map((path, position): SeenKeychain => {
    const { state = 'unknown', info = null } = shown.answer[position] ?? {};
    return { path, state, holds: [], locksAfter: info?.timeout ?? null };
  });
  const doubled = new Set(matching.map((row) => row.sha1)).size < matching.length;
  const matters = doubled || seen.some(({ path, state, locksAfter }) => state === 'locked' || locksAfter !== null || isDedicated(path));
  if (!matters) return seen;
  if (seen.some(({ path }) => isDedicated(path)) && !list.answer.includes(SYSTEM_KEYCHAIN))
    seen.push({ path: SYSTEM_KEYCHAIN, state: 'unknown', holds: [], locksAfter: null });
  const there = seen.filter(({ state }) => state !== 'missing' && state !== 'not-a-keychain');
  const holdings = await security.identitiesOf(there.map(({ path }) => path));
  if ('none' in holdings) return holdings;
  for (const [position, keychain] of [...seen].entries()) {
    const holds = holdings.answer[there.indexOf(keychain)];
    if (holds === undefined) continue;
    const held = holds.matching.map((row) => row.sha1).filter((sha1) => wanted.includes(sha1));
    // A locked one might ask a person, and one that people made holds more than is reseal's to look at.
    const isAsked = held.length > 0 && keychain.state === 'unlocked' && isDedicated(keychain.path);
    const partitions = isAsked ? await security.partitionLists(keychain.path) : null;
    if (partitions !== null && 'none' in partitions) return partitions;
    seen[position] = { ...keychain, holds: held, ...(partitions === null ? {} : { partitions: partitions.answer }) };
  }
  return seen;
}

/** Whether this line's keychains are to be unlocked now; always where it declares no window. */
export function unlockWindow(line: LineDeclaration, now: Instant): 'open' | 'closed' {
  const windows = line.keychains?.unlockWindows ?? [];
  return windows.length === 0 || windows.some((window) => isOpen({ ...window, holidays: [] }, now)) ? 'open' : 'closed';
}

/** The keychains of the search list that hold an identity, in its order. */
export async function holdersOf(security: Security, identity: Sha1): Promise<Said<readonly SeenKeychain[]>> {
  const list = await security.searchList();
  if ('none' in list) return list;
  const holders: SeenKeychain[] = [];
  for (const path of list.answer) {
    const held = await security.identities([path]);
    if ('none' in held) return held;
    if (!held.answer.matching.some((row) => row.sha1 === identity)) continue;
    const keychain = await security.keychain(path);
    holders.push({ path, state: 'none' in keychain ? 'unknown' : keychain.answer.state, holds: [identity], locksAfter: null });
  }
  return { answer: holders };
}

/** What a node does not say is no pass; a simulated node may be none but files. */
function unknown({ node }: NodeSession, check: string, said: Unsaid): CheckResult {
  if (said.none === 'no-program' && node.environment === 'simulated')
    return { check, verdict: 'not-due', reason: 'a simulated node without the tools of a Mac' };
  return { check, verdict: 'inconclusive', reason: `Node ${node.name}: ${said.reason}.` };
}

const summaryOf = ({ valid, rawValid }: ListedIdentities): IdentitySummary => ({
  raw: sha256Of(Buffer.from(rawValid, 'utf8')),
  sorted: sha256Of(Buffer.from(identitySummary(valid), 'utf8')),
  usable: new Set(valid.filter((row) => row.annotation === null).map((row) => row.sha1)).size,
});
