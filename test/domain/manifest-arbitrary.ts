import fc from 'fast-check';
import { createHash } from 'node:crypto';
import type { LineName, NodeName, Sha1, Sha256, TeamId, Uuid } from '../../src/domain/brands.js';
import type { Manifest, ManifestCertificate, ManifestEntry, ManifestProfile } from '../../src/domain/manifest.js';

const hex = (seed: string, algorithm: 'sha1' | 'sha256'): string => createHash(algorithm).update(seed).digest('hex');
export const TEAM = '9QK4T7XW2B' as TeamId;

export const sha1Named = (name: string): Sha1 => hex(name, 'sha1') as Sha1;

export function uuidNamed(name: string): Uuid {
  const h = hex(name, 'sha256');
  return [h.slice(0, 8), h.slice(8, 12), h.slice(12, 16), h.slice(16, 20), h.slice(20, 32)].join('-') as Uuid;
}

export function certificateNamed(name: string): ManifestCertificate {
  return {
    commonName: `Apple Distribution: ${name}`,
    team: TEAM,
    serial: hex(name, 'sha1').slice(0, 32).toUpperCase(),
    expiresAt: '2027-03-02T11:40:12Z',
  };
}

export function profileNamed(name: string, bundleId: string, identity: Sha1): ManifestProfile {
  const uuid = uuidNamed(name);
  return {
    uuid,
    fileName: `${uuid}.mobileprovision`,
    sha256: hex(name, 'sha256') as Sha256,
    name,
    appId: `${TEAM}.${bundleId}`,
    platforms: ['iOS'],
    certificates: [identity],
    createdAt: '2025-11-29T09:24:31Z',
    expiresAt: '2026-11-29T09:14:07Z',
  };
}

const METHODS = ['app-store', 'ad-hoc', 'development', 'enterprise'] as const;

/** Manifests without a problem: up to six apps, each for some methods, some with variants or holders. */
export const manifests: fc.Arbitrary<Manifest> = fc
  .uniqueArray(
    fc.record({
      app: fc.integer({ min: 0, max: 5 }),
      method: fc.constantFrom(...METHODS),
      variant: fc.constantFrom(null, 'qa', 'beta'),
      holder: fc.constantFrom(null, 'ams-build-1', 'ams-build-2'),
      identity: fc.constantFrom('one', 'two'),
    }),
    { maxLength: 12, selector: ({ app, method, variant, holder }) => `${app} ${method} ${variant ?? ''} ${holder ?? ''}` },
  )
  .map((keys) => {
    const profiles = keys.map(({ app, method, variant, holder, identity }): ManifestEntry => {
      const bundleId = `com.acme.app${app}`;
      const sha1 = sha1Named(identity);
      return {
        app: `app${app}`,
        role: 'host',
        team: TEAM,
        bundleId,
        method,
        ...(variant === null ? {} : { variant }),
        ...(holder === null ? {} : { holder: holder as NodeName }),
        targets: [`App ${app}`, `App ${app} Tests`],
        identity: sha1,
        profile: profileNamed(`${bundleId} ${method} ${variant ?? ''} ${holder ?? ''}`, bundleId, sha1),
      };
    });
    const named = new Set(profiles.map((entry) => entry.identity));
    const certificates = Object.fromEntries(
      ['one', 'two'].filter((name) => named.has(sha1Named(name))).map((name) => [sha1Named(name), certificateNamed(name)]),
    );
    return { schemaVersion: 1, line: 'ios-main' as LineName, certificates, profiles };
  });
