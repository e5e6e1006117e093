import { readFileSync, writeFileSync } from 'node:fs';
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Sha1 } from '../../src/domain/brands.js';
import type { NodeDeclaration, UnlockWindow } from '../../src/domain/topology.js';
import { openAppleHierarchy } from '../../src/simulator/apple-hierarchy.js';
import { setClock, setRevoked } from '../../src/simulator/mac/install.js';
import { setFault } from '../../src/simulator/mac/faults.js';
import { NAME, simulatedMac, TEAM, type Mac } from '../simulator/mac/support.js';
import { IDENTITY, NOW, POLICY, world, type World } from './mesh.js';

let mac: Mac;
let mesh: World;
const identity = { sha1: IDENTITY as string };

/** A node whose home is a simulated Mac's, and whose manifest signs with an identity of the simulated Apple. */
async function nodeOnMac(node: Partial<NodeDeclaration>, unlockWindows?: readonly UnlockWindow[]): Promise<void> {
  mesh = await world({
    home: mac.home,
    node: { environment: 'production', ...node },
    identity: identity.sha1 as Sha1,
    policy: { probe: { ...POLICY.probe, checkTimeout: 2_000 } },
    ...(unlockWindows === undefined ? {} : { keychains: { unlockWindows, onUnlockFailure: [] } }),
  });
  await mesh.settled();
}
const inspect = async () => mesh.activities().inspectNode({ ...mesh.order(), manifest: mesh.from });
const problem = async (): Promise<string> => {
  const { problems } = await inspect();
  return problems.map((one) => `${one.check} ${one.verdict}: ${one.reason}`).join('\n');
};

beforeEach(async () => {
  mac = await simulatedMac();
  await setClock(mac.home, new Date(NOW));
  const issued = await mac.issue();
  identity.sha1 = issued.sha1;
  mac.importReady(issued);
});
afterEach(() => mac.dispose());

describe('identities where they should be, and nowhere else (R4, S5, S7)', () => {
  it('a signer with its identity passes, and reports digests and a count, no names and no fingerprints', async () => {
    await nodeOnMac({ keys: 'allowed', roles: ['signer'] });
    const report = await inspect();
    expect(report).toMatchObject({
      verdict: 'pass',
      problems: [],
      identities: { usable: 1, raw: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    const text = JSON.stringify(report).toLowerCase();
    expect(text).not.toContain(identity.sha1.slice(0, 12));
    expect(text).not.toContain('apple distribution');
  });

  it('one that is missing, expired or revoked is named, with what to do; that it is listed does not count', async () => {
    await nodeOnMac({ keys: 'allowed', roles: ['signer'] });
    await setFault(mac.home, { kind: 'stale-listed' });
    await setRevoked(mac.home, [identity.sha1]);
    expect(await problem()).toBe(`identities fail: Node ams-build-1: the identity ${identity.sha1.slice(0, 8)} is revoked.`);
    const { findings } = await inspect();
    expect(findings).toEqual([
      expect.stringMatching(
        new RegExp(
          `^macOS says that the identity ${identity.sha1.slice(0, 8)} is revoked \\(CSSMERR_TP_CERT_REVOKED\\); .*: reseal revoke record SHA1 --source ams-build-1 --reason TEXT`,
        ),
      ),
    ]);
    await setRevoked(mac.home, []);
    expect(await inspect()).toMatchObject({ verdict: 'pass', findings: [] });
    mac.security('list-keychains', '-d', 'user', '-s');
    expect(await problem()).toContain(`the identity ${identity.sha1.slice(0, 8)} is in no keychain of the search list`);
  });

  it('a host with keys: forbidden that holds one fails, and says how many; one that macOS takes for invalid is one too', async () => {
    await nodeOnMac({ keys: 'forbidden' });
    expect(await problem()).toContain('holds 1 signing identity.');
    await setRevoked(mac.home, [identity.sha1]);
    expect(await problem()).toContain(
      'identities fail: Node ams-build-1: it is declared with keys: forbidden and holds 1 signing identity.',
    );
  });

  it('an expired identity is called expired though `find-identity -v` does not list it', async () => {
    await nodeOnMac({ keys: 'allowed', roles: ['signer'] });
    await setClock(mac.home, new Date('2100-01-01T00:00:00Z'));
    expect(await problem()).toContain(`identities fail: Node ams-build-1: the identity ${identity.sha1.slice(0, 8)} has expired`);
  });

  it('one that is not valid yet is told so, with where to look', async () => {
    await nodeOnMac({ keys: 'allowed', roles: ['signer'] });
    await setClock(mac.home, new Date('2023-01-01T00:00:00Z'));
    expect(await problem()).toContain(
      `identities fail: Node ams-build-1: the identity ${identity.sha1.slice(0, 8)} is not valid yet: look at the node's clock.`,
    );
  });

  it('one whose issuer the Mac does not trust is told so', async () => {
    const stranger = await openAppleHierarchy(mac.path('stranger'));
    const issued = await stranger.issueCertificate({ commonName: NAME, team: TEAM, notAfter: new Date('2099-01-01T00:00:00Z') });
    identity.sha1 = issued.sha1;
    mac.importReady(issued);
    await nodeOnMac({ keys: 'allowed', roles: ['signer'] });
    expect(await problem()).toBe(
      `identities fail: Node ams-build-1: the identity ${identity.sha1.slice(0, 8)} is not trusted: its issuer's certificate is missing or not the right one.`,
    );
  });

  it('a keychain of the search list that is gone, and a file that is none, are named', async () => {
    await nodeOnMac({ keys: 'allowed', roles: ['signer'] });
    mac.interactive('create-keychain -p x old.keychain');
    const path = join(mac.home, 'Library/Keychains/old.keychain-db');
    await rm(path);
    expect(await problem()).toBe(
      'keychains fail: Node ams-build-1: the search list names old.keychain-db, which is not there; take it off the list, or bring it back.',
    );
    await writeFile(path, '<html>Sign in</html>');
    expect(await problem()).toBe('keychains fail: Node ams-build-1: old.keychain-db, which the search list names, is no keychain.');
  });

  it('a node that may hold keys for another line need not hold those of signers', async () => {
    mac.security('list-keychains', '-d', 'user', '-s');
    await nodeOnMac({ keys: 'allowed', roles: ['compile'] });
    expect((await inspect()).verdict).toBe('pass');
  });

  it('a locked keychain is named with its remedy, and is not due outside the unlock window', async () => {
    const window = { days: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'], zone: 'UTC' };
    await nodeOnMac({ keys: 'allowed', roles: ['signer'] }, [{ ...window, from: '08:00', to: '10:00' }]);
    mac.security('lock-keychain', mac.login);
    expect(await problem()).toBe(
      `keychains fail: Node ams-build-1: the keychain login.keychain-db is locked, so nothing can be signed with ${identity.sha1.slice(0, 8)}. Unlock it in the session in which builds sign.`,
    );
    await mesh.remove();
    mac.dispose();
    mac = await simulatedMac();
    await setClock(mac.home, new Date(NOW));
    const issued = await mac.issue();
    identity.sha1 = issued.sha1;
    mac.importReady(issued);
    await nodeOnMac({ keys: 'allowed', roles: ['signer'] }, [{ ...window, from: '20:00', to: '22:00' }]);
    mac.security('lock-keychain', mac.login);
    expect((await inspect()).verdict).toBe('pass');
  });

  it('what does not answer, or answers something else, is inconclusive and never a pass (R4)', async () => {
    await nodeOnMac({ keys: 'allowed', roles: ['signer'] });
    await setFault(mac.home, { kind: 'flood', programs: ['security'] });
    expect(await problem()).toMatch(
      /^identities inconclusive: Node ams-build-1: `security find-identity` answered something else than macOS does/,
    );
    await setFault(mac.home, { kind: 'hang', programs: ['security'] });
    const { verdict } = await inspect();
    expect(verdict).toBe('inconclusive');
  });

  it('an inspection of a signer with two keychains of its own starts at most 8 programs', async () => {
    const names = [identity.sha1.slice(0, 8), '0badcafe'].map((digits) => `reseal-${digits}.keychain`);
    const [own = '', next = ''] = names;
    const made = mac.interactive(
      `create-keychain -p own ${own}`,
      `create-keychain -p own ${next}`,
      `import ${mac.path(`${identity.sha1}.p12`)} -k ${own} -P p12 -T /usr/bin/codesign`,
      `set-key-partition-list -S apple-tool:,apple:,codesign: -s -k own ${own}`,
      `lock-keychain ${next}`,
      `list-keychains -d user -s ${own} ${next}`,
    );
    expect(made.stderr).toBe('');
    await nodeOnMac({ keys: 'allowed', roles: ['signer'] });
    const log = mac.path('started');
    writeFileSync(log, '');
    for (const name of await readdir(join(mac.home, 'bin'))) {
      const path = join(mac.home, 'bin', name);
      await rename(path, `${path}.own`);
      await writeFile(path, `#!/bin/sh\necho "${name} $1" >>'${log}'\nexec '${path}.own' "$@"\n`, { mode: 0o755 });
    }
    const { verdict, checks = [] } = await mesh.activities().inspectNode({ ...mesh.order(), manifest: mesh.from, everyCheck: true });
    expect(verdict).toBe('pass');
    expect(checks.find(({ check }) => check === 'partition-lists')?.verdict).toBe('pass');
    const started = readFileSync(log, 'utf8').trimEnd().split('\n');
    expect(started).toContain('security -i');
    expect(started.length, started.join(', ')).toBeLessThanOrEqual(8);
  });

  it('an identity with a keychain of its own is in no shared one; twice is told, and an early lock too', async () => {
    await nodeOnMac({ keys: 'allowed', roles: ['signer'] });
    const name = `reseal-${identity.sha1.slice(0, 8)}.keychain`;
    const created = mac.interactive(
      `create-keychain -p own ${name}`,
      `set-keychain-settings -u -t 300 ${name}`,
      `import ${mac.path(`${identity.sha1}.p12`)} -k ${name} -P p12 -T /usr/bin/codesign`,
      `set-key-partition-list -S apple-tool:,apple:,codesign: -s -k own ${name}`,
      `list-keychains -d user -s ${name} login.keychain`,
    );
    expect(created.stderr).toBe('');
    const { findings } = await inspect();
    expect(await problem()).toBe(
      `identity-places fail: Node ams-build-1: the identity ${identity.sha1.slice(0, 8)} has a keychain of its own and is in login.keychain-db too; delete it there.`,
    );
    expect(findings).toEqual([
      `the identity ${identity.sha1.slice(0, 8)} is in two keychains; one of them will be forgotten when it is retired`,
      `the keychain ${name}-db locks after 300 s without use, and a build may take 14400 s`,
    ]);
    mac.security('list-keychains', '-d', 'user', '-s', name);
    expect(await problem()).toBe('');
  });
});
