import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as asn1js from 'asn1js';
import { pinRoots, type PinnedRoot } from '../../src/profile/index.js';
import {
  openAppleHierarchy,
  type AppleHierarchy,
  type DistributionCertificate,
  type ProfileRequest,
} from '../../src/simulator/apple-hierarchy.js';
import { copyAuthorities } from '../setup/apple.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

const FOLDER = resolve(import.meta.dirname, '../../../shared/fixtures/apple-profiles');

/** Profiles that Apple really signed (shared/fixtures/README.md). */
export const APPLE_PROFILES = ['a0b45501', '2746d535', 'c3e20987', 'e921776a', 'b41c7318'] as const;

export function appleProfilePath(name: (typeof APPLE_PROFILES)[number]): string {
  const path = join(FOLDER, `${name}.mobileprovision`);
  if (!existsSync(path))
    throw new Error(`The fixture ${path} is missing: check out shared/fixtures beside this checkout (shared/fixtures/README.md).`);
  return path;
}

export const appleProfile = (name: (typeof APPLE_PROFILES)[number]): Uint8Array => Uint8Array.from(readFileSync(appleProfilePath(name)));

export interface TemporaryHierarchy {
  readonly apple: AppleHierarchy;
  readonly folder: string;
  dispose(): void;
}

async function hierarchyIn(folder: string): Promise<TemporaryHierarchy> {
  return {
    apple: await openAppleHierarchy(join(folder, 'apple')),
    folder,
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const newFolder = (): string => temporaryFolder('reseal-apple');

/** The simulated Apple of this test run, in a folder that is removed when `dispose` is called. */
export async function temporaryHierarchy(): Promise<TemporaryHierarchy> {
  const folder = newFolder();
  await copyAuthorities(join(folder, 'apple'));
  return hierarchyIn(folder);
}

/** Another Apple, which the first one and its copies know nothing of. */
export const strangeHierarchy = (): Promise<TemporaryHierarchy> => hierarchyIn(newFolder());

/** A simulated hierarchy whose root is trusted, and a distribution certificate of it. */
export async function trustedHierarchy(): Promise<{
  readonly apple: AppleHierarchy;
  readonly identity: DistributionCertificate;
  readonly roots: readonly PinnedRoot[];
  dispose(): void;
}> {
  const { apple, dispose } = await temporaryHierarchy();
  const identity = await apple.issueCertificate({ commonName: DISTRIBUTION, team: TEAM, notAfter: new Date('2027-01-02T03:04:05Z') });
  return { apple, identity, roots: pinRoots([apple.rootPem]), dispose };
}

export const TEAM = '9QK4T7XW2B';
export const DISTRIBUTION = 'Apple Distribution: Größe, Acme GmbH (9QK4T7XW2B)';

/** A plain App Store profile of 2026; a test says only what matters to it. */
export const request = (over: Partial<ProfileRequest> & Pick<ProfileRequest, 'certificates'>): ProfileRequest => ({
  uuid: '753bad01-23c2-521a-b90e-d56f6e4bb7e8',
  name: 'Courier App Store 2026',
  team: TEAM,
  teamName: 'Acme GmbH',
  bundleId: 'com.acme.courier',
  kind: 'app-store',
  createdAt: new Date('2026-01-02T03:04:05Z'),
  expiresAt: new Date('2027-01-02T03:04:05Z'),
  ...over,
});

/**
 * The same CMS file as BER with indefinite lengths and the contents in pieces, as streaming encoders write it. Certificates
 * and signed attributes stay as they are: signatures are over their DER.
 */
export function asIndefiniteBer(der: Uint8Array, piece = 1000): Uint8Array {
  const parse = (bytes: Uint8Array): asn1js.AsnType[] => {
    const { value } = asn1js.fromBER(bytes).result.valueBlock as { value?: asn1js.AsnType[] };
    return value ?? [];
  };
  const raw = (block: asn1js.AsnType | undefined): Uint8Array => block?.valueBeforeDecodeView ?? new Uint8Array();
  const open = (tag: number, parts: readonly Uint8Array[]): Uint8Array =>
    Buffer.concat([Uint8Array.of(tag, 0x80), ...parts, Uint8Array.of(0, 0)]);
  const [type, wrapper] = parse(der);
  const [signedData] = parse(raw(wrapper));
  const [version, digests, contentInfo, ...rest] = parse(raw(signedData));
  const [contentType, contentWrapper] = parse(raw(contentInfo));
  const [octets] = parse(raw(contentWrapper));
  const content = octets instanceof asn1js.OctetString ? new Uint8Array(octets.getValue()) : new Uint8Array();
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < content.length; at += piece) {
    pieces.push(new Uint8Array(new asn1js.OctetString({ valueHex: Uint8Array.from(content.subarray(at, at + piece)) }).toBER()));
  }
  const inner = open(0x30, [raw(contentType), open(0xa0, [open(0x24, pieces)])]);
  return open(0x30, [raw(type), open(0xa0, [open(0x30, [raw(version), raw(digests), inner, ...rest.map(raw)])])]);
}

/** Copies and changes the bits of one byte. */
export function flipped(bytes: Uint8Array, at: number, mask = 0x01): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ mask;
  return copy;
}
