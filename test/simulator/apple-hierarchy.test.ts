import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeProfile, pinRoots, verifyProfile } from '../../src/profile/index.js';
import { openAppleHierarchy, type AppleHierarchy, type DistributionCertificate } from '../../src/simulator/apple-hierarchy.js';
import { DISTRIBUTION, request, TEAM } from '../profile/support.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

let home: string;
let apple: AppleHierarchy;
let identity: DistributionCertificate;

beforeAll(async () => {
  home = temporaryFolder('reseal-apple');
  apple = await openAppleHierarchy(join(home, 'apple'));
  identity = await apple.issueCertificate({ commonName: DISTRIBUTION, team: TEAM, notAfter: new Date('2027-01-02T03:04:05Z') });
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('the simulated Apple (R8)', () => {
  it('is made once per home and reopened with the same root and identities', async () => {
    const again = await openAppleHierarchy(join(home, 'apple'));
    expect(again.rootPem).toBe(apple.rootPem);
    expect(await again.certificates()).toEqual([identity]);
    const wanted = request({ certificates: [identity] });
    expect(Buffer.compare(again.makeProfile(wanted), apple.makeProfile(wanted))).toBe(0);
  });

  it('is made once even when two open it at the same time', async () => {
    const folder = join(home, 'race');
    const [one, two] = await Promise.all([openAppleHierarchy(folder), openAppleHierarchy(folder)]);
    expect(one.rootPem).toBe(two.rootPem);
    expect(readdirSync(home).filter((name) => name.includes('race'))).toEqual(['race']);
  });

  it('keeps private keys for its owner alone (T1)', () => {
    const keys = [join(home, 'apple'), join(home, 'apple', 'certificates')].flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => name.endsWith('.key'))
        .map((name) => join(folder, name)),
    );
    expect(keys).toHaveLength(5);
    expect(keys.map((path) => statSync(path).mode & 0o777)).toEqual(keys.map(() => 0o600));
  });

  it('issues identities that lead to its root and match their key', () => {
    const certificate = new X509Certificate(identity.certificatePem);
    expect(certificate.verify(new X509Certificate(apple.wwdrPem).publicKey)).toBe(true);
    expect(new X509Certificate(apple.wwdrPem).verify(new X509Certificate(apple.rootPem).publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(identity.privateKeyPem))).toBe(true);
    expect(identity).toMatchObject({
      commonName: DISTRIBUTION,
      team: TEAM,
      sha1: certificate.fingerprint.replaceAll(':', '').toLowerCase(),
    });
  });

  it.each([
    ['app-store', {}],
    ['ad-hoc', { devices: ['00008110-000A'] }],
    ['development', { devices: ['00008110-000A'] }],
    ['enterprise', {}],
  ] as const)("makes profiles of kind %s with Apple's shape", (kind, over) => {
    const bytes = apple.makeProfile(request({ certificates: [identity], kind, ...over }));
    const { profile } = verifyProfile(bytes, { roots: pinRoots([apple.rootPem]) });
    expect(profile).toMatchObject({
      kind,
      prefix: TEAM,
      bundleId: 'com.acme.courier',
      platforms: ['iOS'],
      certificates: [{ sha1: identity.sha1, serial: identity.serial }],
    });
    const file = decodeProfile(bytes);
    expect(file.certificates).toHaveLength(3);
    expect(file.signers[0]?.signed?.signingTime).toEqual(new Date('2026-01-02T03:04:05Z'));
  });

  it('makes wildcards, other prefixes and profiles of Xcode', () => {
    const bytes = apple.makeProfile(
      request({ certificates: [identity], bundleId: 'com.acme.*', prefix: 'ABCDE12345', xcodeManaged: true, platforms: ['iOS', 'xrOS'] }),
    );
    const { profile } = verifyProfile(bytes, { roots: pinRoots([apple.rootPem]) });
    expect(profile).toMatchObject({
      wildcard: true,
      team: TEAM,
      appId: 'ABCDE12345.com.acme.*',
      xcodeManaged: true,
      platforms: ['iOS', 'xrOS'],
    });
  });
});
