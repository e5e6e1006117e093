import { join } from 'node:path';
import { writeFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DistributionCertificate } from '../../src/simulator/apple-hierarchy.js';
import { LINE } from '../node/mesh.js';
import { simulatedMac, type Mac } from '../simulator/mac/support.js';
import { GatedNode } from './gated-node.js';

let mac: Mac;
let old: DistributionCertificate;
let fresh: DistributionCertificate;
let node: GatedNode;
/** What the node printed before the new identity came, and what it prints with both. */
let before: string;
let after: string;

beforeAll(async () => {
  mac = await simulatedMac();
  old = await mac.issue();
  fresh = await mac.issue();
  mac.importReady(old);
  before = (await GatedNode.settled(mac, old, fresh)).summary();
  mac.importReady(fresh);
  node = await GatedNode.settled(mac, old, fresh);
  after = node.summary();
});
afterAll(() => mac.dispose());

describe('in a window the node accepts two manifests and the identities of both (S2, R2, R12)', () => {
  beforeEach(async () => {
    node.reset();
    await node.mesh.activities().stageNode({ ...node.mesh.order(1000, 'stage'), to: node.mesh.to });
  });
  const { from, to } = { from: () => node.mesh.from, to: () => node.mesh.to };

  it('passes for either manifest, by the summary of before and by that of now, and says which is active', async () => {
    expect(before).not.toBe(after);
    for (const manifest of [from(), to()])
      for (const signing of [before, after]) {
        const answer = await node.gate(node.expecting({ manifest, signing }));
        expect([answer.exit, answer.log]).toMatchObject([0, { manifest, active: from(), parallel: true }]);
        expect(answer.stderr).toContain('parallel: true');
      }
  });

  it('with --exact takes the active one alone, and all identities that there are', async () => {
    expect((await node.gate([...node.expecting({ manifest: from(), signing: after }), '--exact'])).exit).toBe(0);
    const other = await node.gate([...node.expecting({ manifest: to(), signing: after }), '--exact']);
    expect(other.log.reasons).toMatchObject([{ check: 'manifest', message: 'the expected manifest is accepted and not the active one' }]);
    const less = await node.gate([...node.expecting({ manifest: from(), signing: before }), '--exact']);
    expect(less.log.reasons).toMatchObject([{ check: 'signing' }]);
  });

  it('an accepted manifest is checked by its own bytes and its own profiles', async () => {
    const { profile } = node.mesh.manifests.to.profiles[0]!;
    const file = join(mac.home, 'Library/MobileDevice/Provisioning Profiles', profile.fileName);
    rmSync(file);
    expect((await node.gate(node.expecting({ manifest: from(), signing: after }))).exit).toBe(0);
    const answer = await node.gate(node.expecting({ manifest: to(), signing: after }));
    expect(answer.log.reasons).toMatchObject([{ check: 'profiles', found: 'nothing' }]);
    const frozen = join(node.mount, LINE, 'manifests', `${to()}.json`);
    rmSync(frozen);
    writeFileSync(frozen, '{}');
    const changed = await node.gate(node.expecting({ manifest: to(), signing: after }));
    expect(changed.log.reasons).toMatchObject([{ check: 'manifest', found: `${from()}; accepted too and not readable: ${to()}` }]);
  });

  it('after the window the summary of before counts no more', async () => {
    await node.mesh.activities().switchNode({ ...node.mesh.order(1000, 'switch'), target: to(), revertTo: null });
    await node.mesh.activities().retireNode({ ...node.mesh.order(1000, 'retire'), old: from(), keep: to() });
    expect((await node.gate(node.expecting({ manifest: to(), signing: after }))).log).toMatchObject({ verdict: 'pass', parallel: false });
    expect((await node.gate(node.expecting({ manifest: to(), signing: before }))).exit).toBe(1);
    expect((await node.gate(node.expecting({ manifest: from(), signing: after }))).exit).toBe(1);
  });
});
