import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Ajv } from 'ajv';
import ajvFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LineName, NodeName } from '../../src/domain/brands.js';
import type { Manifest } from '../../src/domain/manifest.js';
import { freezeManifest } from '../../src/manifest/freeze.js';
import { certificateNamed, profileNamed, sha1Named, TEAM } from '../domain/manifest-arbitrary.js';
import { temporaryFolder } from '../setup/temporary-folder.js';
import { reseal } from './terminal.js';

const IDENTITY = sha1Named('one');
const MANIFEST: Manifest = {
  schemaVersion: 1,
  line: 'ios-main' as LineName,
  certificates: { [IDENTITY]: { ...certificateNamed('one'), commonName: 'Apple Development: jane.doe@acme.example (9QK4T7XW2B)' } },
  profiles: [
    {
      ...{ app: 'courier', role: 'host' as const, team: TEAM, bundleId: 'com.acme.courier', method: 'app-store' as const, targets: ['Courier'] },
      ...{ identity: IDENTITY, profile: profileNamed('a', 'com.acme.courier', IDENTITY) },
    },
    {
      ...{ app: 'courier', role: 'extension' as const, team: TEAM, bundleId: 'com.acme.courier.notify', method: 'ad-hoc' as const, variant: 'qa' },
      ...{ holder: 'ams-build-1' as NodeName, targets: ['Notify'], identity: IDENTITY, profile: profileNamed('b', 'com.acme.courier.notify', IDENTITY) },
    },
  ],
}; // prettier-ignore
const FROZEN = freezeManifest(MANIFEST);

/** CycloneDX's own schema, as its library brings it; the formats of international addresses are not what this is about. */
const SCHEMAS = resolve('node_modules/@cyclonedx/cyclonedx-library/res/schema');
const schema = (name: string): object => JSON.parse(readFileSync(join(SCHEMAS, `${name}.SNAPSHOT.schema.json`), 'utf8')) as object;
const ajv = new Ajv({ strict: false, formats: { 'iri-reference': true, 'idn-email': true } });
ajvFormats.default(ajv);
const isBom = ajv.addSchema(schema('spdx'), 'http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json').addSchema(schema('jsf-0.82'), 'http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json').compile(schema('bom-1.6')); // prettier-ignore

let folder: string;
let path: string;
beforeAll(() => {
  folder = temporaryFolder('reseal-sbom');
  path = join(folder, 'profiles.json');
  writeFileSync(path, FROZEN.bytes);
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Bom {
  readonly specVersion: string;
  readonly components: readonly {
    readonly name: string;
    readonly properties: readonly { readonly name: string; readonly value: string }[];
  }[];
}
const propertiesOf = (bom: Bom, name: string): Readonly<Record<string, string>> =>
  Object.fromEntries((bom.components.find((one) => one.name === name)?.properties ?? []).map((one) => [one.name, one.value]));

describe('reseal sbom (S8)', () => {
  it('prints a document that the schema of CycloneDX 1.6 takes, and takes no other', async () => {
    const { exit, stdout } = await reseal(['sbom', '--manifest', path]);
    const bom = JSON.parse(stdout) as Bom;
    expect([exit, isBom(bom), isBom.errors]).toEqual([0, true, null]);
    expect(bom.specVersion).toBe('1.6');
    expect(isBom({ ...bom, bomFormat: 'SPDX' })).toBe(false);
    expect(isBom({ ...bom, components: [{ ...bom.components[0], properties: [{ name: 1 }] }] })).toBe(false);
  });

  it('says under which manifest each app was signed, and tells profile and certificate by alias', async () => {
    const { stdout } = await reseal(['sbom', '--manifest', path]);
    expect(propertiesOf(JSON.parse(stdout) as Bom, 'com.acme.courier.notify')).toEqual({
      'reseal:manifest:sha256': FROZEN.sha256,
      'reseal:signing:role': 'extension',
      'reseal:signing:method': 'ad-hoc',
      'reseal:signing:variant': 'qa',
      'reseal:profile:alias': `ios-main-${MANIFEST.profiles[1]!.profile.uuid.slice(0, 8)}`,
      'reseal:profile:expires': '2026-11-29T09:14:07Z',
      'reseal:certificate:alias': `ios-main-${IDENTITY.slice(0, 8)}`,
      'reseal:certificate:serial': `…${certificateNamed('one').serial.slice(-6)}`,
      'reseal:certificate:expires': '2027-03-02T11:40:12Z',
    });
  });

  it('holds no full serial number, fingerprint, UUID or digest of a profile, no name of a certificate, person or team', async () => {
    const { stdout } = await reseal(['sbom', '--manifest', path]);
    const { serial, commonName } = Object.values(MANIFEST.certificates)[0]!;
    const { uuid, sha256 } = MANIFEST.profiles[0]!.profile;
    for (const secret of [serial, IDENTITY, uuid, sha256, commonName, 'jane.doe', TEAM]) expect([secret, stdout.toLowerCase().includes(secret.toLowerCase())]).toEqual([secret, false]);
  }); // prettier-ignore

  it('is the same document each time, and with --json the same in one with a version', async () => {
    const [first, again, json] = await Promise.all([reseal(['sbom', '--manifest', path], { now: 1 }), reseal(['sbom', '--manifest', path], { now: 2 }), reseal(['sbom', '--manifest', path, '--json'])]);
    expect(again.stdout).toBe(first.stdout);
    expect(JSON.parse(json.stdout)).toEqual({ schemaVersion: 1, bom: JSON.parse(first.stdout) as unknown });
  }); // prettier-ignore

  it('tells of the profiles that are named, alone; one that is not there is named', async () => {
    const { uuid } = MANIFEST.profiles[0]!.profile;
    const one = await reseal(['sbom', '--manifest', path, '--profile', uuid.toUpperCase()]);
    expect((JSON.parse(one.stdout) as Bom).components.map(({ name }) => name)).toEqual(['com.acme.courier']);
    const none = await reseal(['sbom', '--manifest', path, '--profile', 'nobody']);
    expect([none.exit, none.stderr]).toEqual([2, expect.stringContaining('names no profile "nobody"')]);
    expect(await reseal(['sbom'])).toMatchObject({ exit: 2, stderr: expect.stringContaining('Give --profile UUID') as string });
  });
});
