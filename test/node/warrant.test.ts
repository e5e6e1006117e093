import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { mustBeWarranted } from '../../activities/node/warrant.js';
import type { Configuration } from '../../src/configuration/load.js';
import type { ExportWarrant } from '../../src/domain/exports/export.js';
import { exportIdOf, type ExportRequestStatement, type Spoken } from '../../src/domain/exports/statement.js';
import { canonicalDigest, STATEMENT_NAMESPACE } from '../../src/statement/person.js';
import { signInProcess } from '../../src/statement/sshsig.js';
import { sshString } from '../../src/statement/ssh-wire.js';
import { canonicalBytes } from '../../src/statement/canonical.js';
import { createNodeActivities } from '../../activities/node/index.js';

const NOW = Date.parse('2026-11-28T09:00:00Z');
const HOUR = 3_600_000;
/** Signs as a person's `ssh-keygen` does, without a process for each. */
function newKey(): { readonly line: string; sign(statement: object): string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const { x = '' } = publicKey.export({ format: 'jwk' });
  const blob = Buffer.concat([sshString('ssh-ed25519'), sshString(Buffer.from(x, 'base64url'))]);
  return {
    line: `ssh-ed25519 ${blob.toString('base64')}`,
    sign: (statement) => signInProcess(privateKey, blob, canonicalBytes(statement), STATEMENT_NAMESPACE),
  };
}
const keys = { ada: newKey(), grace: newKey(), rita: newKey(), vera: newKey() };
type Person = keyof typeof keys;
const RECIPIENT = `age1${'q'.repeat(58)}`;

const person = (id: Person, roles: readonly string[]) => ({ id, name: id, roles, keys: [{ kind: 'ssh', public: keys[id].line }] });
const configuration = (roster: object = {}, policy: object = {}, environment = 'production'): Configuration =>
  ({
    topology: {
      installation: 'acme',
      lines: { 'ios-main': { identity: 'signers' } },
      nodes: [{ name: 'ams-sign-1', lines: ['ios-main'], environment }],
    },
    roster: {
      persons: [person('ada', ['approvers']), person('grace', ['approvers']), person('rita', ['requesters', 'approvers']), person('vera', ['approvers'])],
      roles: { approvers: ['approve', 'reject'], requesters: ['export'] },
      receivers: [{ id: 'safe', name: 'The safe', recipient: RECIPIENT, fetchedBy: ['vera'] }],
      ...roster,
    },
    policy: { exports: { approvals: 2, approveWithin: 24 * HOUR, fetchWithin: HOUR, longest: HOUR, ...policy } },
  }) as unknown as Configuration; // prettier-ignore

const ASKS = {
  ...{ identity: '97134e8cc0e5ffe4ba55eaf5dc7b6e9c0050bc31', serial: '5F2C9A', certificateExpiresAt: '2027-03-02T11:40:12.000Z' },
  ...{ node: 'ams-sign-1', receiver: 'safe', recipient: RECIPIENT, fetchWithin: HOUR, reason: 'escrow' },
};
let nonces = 0;
const said = (by: string, own: object, at = NOW) => ({
  ...{ schemaVersion: 1, installation: 'acme', mode: 'production', line: 'ios-main', person: by, ticket: 'CHG-7' },
  nonce: (nonces += 1).toString(16).padStart(32, '0'),
  ...{ issuedAt: new Date(at).toISOString(), expiresAt: new Date(at + 900_000).toISOString() },
  ...own,
});
const signed = (statement: object, by: Person): Spoken => ({ statement, signature: keys[by].sign(statement) }) as unknown as Spoken;
const request = said('rita', { says: 'export-request', asks: ASKS }) as unknown as ExportRequestStatement;
const bindsOf = (asked: ExportRequestStatement) => ({
  ...asked.asks,
  export: exportIdOf(asked),
  requestedBy: asked.person,
  request: canonicalDigest(asked),
  roster: 'b'.repeat(64),
});
const approval = (by: string, change: object = {}, asked = request) =>
  said(by, { says: 'export-approve', binds: { ...bindsOf(asked), ...change } });
const warrant = (approvals: readonly Spoken[], asked: Spoken = signed(request, 'rita')): ExportWarrant => ({ request: asked, approvals });
const both = (): readonly Spoken[] => [signed(approval('ada'), 'ada'), signed(approval('grace'), 'grace')];
const judged = (given: ExportWarrant, config = configuration(), now = NOW): string => {
  try {
    mustBeWarranted(config, 'ams-sign-1' as never, given, now);
    return 'exports';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('a node exports on the word of a person and two others, judged by its own roster (S6, T6)', () => {
  it('when it is all there', () => {
    expect(judged(warrant(both()))).toBe('exports');
    expect(judged(warrant(both()), configuration(), NOW + 24 * HOUR)).toBe('exports');
  });

  it.each<[string, () => string, RegExp]>([
    ['nobody approved', () => judged(warrant([])), /0 of 2 persons have approved it/],
    ['one approved', () => judged(warrant(both().slice(1))), /1 of 2 persons/],
    ['one approved twice', () => judged(warrant([signed(approval('ada'), 'ada'), signed(approval('ada'), 'ada')])), /1 of 2 persons/],
    ['the policy there wants three', () => judged(warrant(both()), configuration({}, { approvals: 3 })), /2 of 3 persons/],
    ['a policy there wants one', () => judged(warrant(both().slice(1)), configuration({}, { approvals: 1 })), /1 of 2 persons/],
    ['the requester approved', () => judged(warrant([signed(approval('ada'), 'ada'), signed(approval('rita'), 'rita')])), /the requester does not decide/],
    ['who fetches approved', () => judged(warrant([signed(approval('ada'), 'ada'), signed(approval('vera'), 'vera')])), /vera fetches for safe, and does not approve/],
    ['an approval that another person signed', () => judged(warrant([signed(approval('ada'), 'grace'), signed(approval('grace'), 'grace')])), /signature is of SHA256:\S+, which is no key of ada/],
    ['an approval without a signature', () => judged(warrant([{ ...both()[0]!, signature: null }, both()[1]!])), /a name alone does not count for ada/],
    ['an approval of another request', () => judged(warrant([signed(approval('ada', { request: 'f'.repeat(64) }), 'ada'), both()[1]!])), /of another request/],
    ['an approval of another receiver', () => judged(warrant([signed(approval('ada', { receiver: 'mallory' }), 'ada'), both()[1]!])), /for the receiver/],
    ['an approval of another identity', () => judged(warrant([signed(approval('ada', { identity: 'a'.repeat(40) }), 'ada'), both()[1]!])), /for the identity/],
    ['a request in place of an approval', () => judged(warrant([signed(request, 'rita'), both()[1]!])), /an approval of it is none/],
    ['an approver who is not on the roster there', () => judged(warrant(both()), configuration({ persons: [person('rita', ['requesters']), person('ada', ['approvers'])] })), /the roster here does not let grace approve/],
    ['a roster there without receivers', () => judged(warrant(both()), configuration({ receivers: undefined })), /the roster here has no receiver safe/],
    ['another key of the receiver there', () => judged(warrant(both()), configuration({ receivers: [{ id: 'safe', name: 'x', recipient: `age1${'p'.repeat(58)}`, fetchedBy: ['vera'] }] })), /another key for safe/],
    ['a request that nobody signed', () => judged(warrant(both(), { statement: request, signature: null })), /a name alone does not count for rita/],
    ['a request that was changed', () => judged(warrant(both(), { statement: { ...request, asks: { ...request.asks, reason: 'mine' } }, signature: signed(request, 'rita').signature })), /of the request the signature does not count/],
    ['a request of another node', () => judged(warrant(both(), signed({ ...request, asks: { ...request.asks, node: 'iad-sign-1' } }, 'rita'))), /it is asked of iad-sign-1/],
    ['a request of another installation', () => judged(warrant(both(), signed({ ...request, installation: 'other' }, 'rita'))), /it is for the installation other/],
    ['no request at all', () => judged({ request: both()[0]!, approvals: both() }), /without the request of a person/],
    ['a warrant of last month', () => judged(warrant(both()), configuration(), NOW + 30 * 24 * HOUR), /long ago/],
  ])('not where %s', (_, judge, why) => {
    expect(judge()).toMatch(why);
    expect(judge()).toMatch(/^Node ams-sign-1 exports nothing on this word: .*Nothing was touched\.$/);
  }); // prettier-ignore

  it('a name counts where every node is simulated and the person has no key, and nowhere else', () => {
    const nameless = { persons: [person('ada', ['approvers']), person('grace', ['approvers']), person('rita', ['requesters'])].map((one) => ({ ...one, keys: [] })) };
    const names = warrant(both().map((one) => ({ ...one, signature: null })), { statement: request, signature: null });
    expect(judged(names, configuration(nameless, {}, 'simulated'))).toBe('exports');
    expect(judged(names, configuration(nameless))).toMatch(/a name alone counts only where every node is simulated/);
  }); // prettier-ignore

  it('who serves nodes without a roster exports nothing, nor on an order that has grown old', async () => {
    const deps = { store: {} as never, verifier: {} as never, sleep: () => Promise.resolve(), attempt: () => ({ number: 1, startedAt: null }), heartbeat: () => undefined };
    const nodes = createNodeActivities(deps);
    await expect(nodes.exportIdentity({ node: 'ams-sign-1', warrant: warrant(both()) } as never)).rejects.toMatchObject({ type: 'REFUSED', nonRetryable: true });
    const late = createNodeActivities({ ...deps, configuration: () => configuration(), clock: () => NOW });
    const order = { node: 'ams-sign-1', warrant: warrant(both()), notAfter: NOW - 1 } as never;
    await expect(late.exportIdentity(order)).rejects.toMatchObject({ type: 'ORDER_EXPIRED', nonRetryable: true });
  }); // prettier-ignore
});
