import type { Instant, Sha1 } from '../../src/domain/brands.js';
import { isOpen } from '../../src/domain/calendar.js';
import { expectedIdentities } from '../../src/domain/expected.js';
import { judgeIdentities, judgeKeychains, judgeNoIdentities, type SeenKeychain } from '../../src/domain/node/identities.js';
import type { CheckResult } from '../../src/domain/node/probe.js';
import type { IdentitySummary } from '../../src/domain/node/report.js';
import { identitySummary, type ListedIdentities } from '../../src/mac/find-identity.js';
import { Security, type Unsaid } from '../../src/mac/security.js';
import { sha256Of } from '../../src/manifest/digest.js';
import type { KnownManifest } from './frozen-contents.js';
import type { NodeSession } from './session.js';

/** What a node says of its identities and keychains; read once per probe. */
export interface KeysSeen {
  readonly checks: readonly CheckResult[];
  /** null: it did not say. */
  readonly summary: IdentitySummary | null;
}

/** Identities where they should be and nowhere else, and the keychains that hold them (S5, S7). Only looks. */
export async function lookAtKeys(session: NodeSession, expected: KnownManifest, now: Instant): Promise<KeysSeen> {
  const { node, line, policy } = session;
  const security = new Security(session.files, policy.probe.checkTimeout);
  const listed = await security.identities();
  if ('none' in listed) return { checks: [unknown(session, 'identities', listed)], summary: null };
  const summary = summaryOf(listed.answer);
  if (node.keys === 'forbidden') return { checks: [judgeNoIdentities(node.name, listed.answer.matching)], summary };
  const wanted = expectedIdentities(node, line, expected.manifest);
  return { checks: [judgeIdentities(node.name, wanted, listed.answer), await keychains(session, security, wanted, now)], summary };
}

async function keychains(session: NodeSession, security: Security, wanted: readonly Sha1[], now: Instant): Promise<CheckResult> {
  const list = await security.searchList();
  if ('none' in list) return unknown(session, 'keychains', list);
  const seen: SeenKeychain[] = [];
  for (const path of list.answer) {
    const keychain = await security.keychain(path);
    if ('none' in keychain) return unknown(session, 'keychains', keychain);
    const { state } = keychain.answer;
    // With nothing locked it does not matter what holds what.
    seen.push({ path, state, holds: [] });
  }
  const locked = seen.some(({ state }) => state === 'locked');
  for (const [position, keychain] of (locked ? [...seen] : []).entries()) {
    if (keychain.state !== 'locked' && keychain.state !== 'unlocked') continue;
    const holds = await security.identities([keychain.path]);
    if ('none' in holds) return unknown(session, 'keychains', holds);
    seen[position] = { ...keychain, holds: holds.answer.matching.map((row) => row.sha1).filter((sha1) => wanted.includes(sha1)) };
  }
  const windows = session.line.keychains?.unlockWindows ?? [];
  const open = windows.length === 0 || windows.some((window) => isOpen({ ...window, holidays: [] }, now));
  return judgeKeychains(session.node.name, seen, open ? 'open' : 'closed');
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
