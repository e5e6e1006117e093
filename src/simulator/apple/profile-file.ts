import forge from 'node-forge';
import { build, type PlistValue } from 'plist';
import type { Method } from '../../domain/manifest.js';
import type { Authority } from './authority.js';

/** What signs profiles: the signer and the certificates above it, root last. */
export interface ProfileSigner {
  readonly signer: Authority;
  readonly above: readonly Authority[];
}

export interface ProfileRequest {
  readonly uuid: string;
  readonly name: string;
  readonly team: string;
  readonly teamName?: string;
  /** A bundle id or a pattern that ends in `*`. */
  readonly bundleId: string;
  readonly kind: Method;
  /** DER of the certificates that may sign with it. */
  readonly certificates: readonly { readonly der: Uint8Array }[];
  /** Replaces those that the kind would get. */
  readonly entitlements?: Readonly<Record<string, PlistValue>>;
  /** UDIDs; development and ad hoc only. */
  readonly devices?: readonly string[];
  readonly platforms?: readonly string[];
  /** Application identifier prefix; the team by default. */
  readonly prefix?: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly xcodeManaged?: boolean;
  /** Digest of content and signature; Apple uses SHA-1 even in 2024 (mac-tools.md). */
  readonly digest?: 'sha1' | 'sha256';
  /** `createdAt` by default. */
  readonly signingTime?: Date;
}

const DAY = 86_400_000;

/** A profile as Apple makes it: an attached CMS SignedData with signing time and the whole chain embedded. Equal requests give equal bytes. */
export function profileFile(request: ProfileRequest, by: ProfileSigner): Uint8Array {
  return signedFile(build(propertyList(request)), {
    by,
    digest: request.digest ?? 'sha1',
    signingTime: request.signingTime ?? request.createdAt,
  });
}

/** Signs any text as a profile is signed. */
export function signedFile(
  content: string,
  options: { readonly by: ProfileSigner; readonly digest: 'sha1' | 'sha256'; readonly signingTime: Date },
): Uint8Array {
  const { signer, above } = options.by;
  const message = forge.pkcs7.createSignedData();
  message.content = content;
  for (const one of [signer, ...above]) message.addCertificate(one.certificate);
  message.addSigner({
    key: signer.key,
    certificate: signer.certificate,
    digestAlgorithm: oid(options.digest),
    authenticatedAttributes: [
      { type: oid('contentType'), value: oid('data') },
      { type: oid('signingTime'), value: options.signingTime.toISOString() },
      { type: oid('messageDigest') },
    ],
  });
  message.sign();
  return Buffer.from(forge.asn1.toDer(message.toAsn1()).getBytes(), 'binary');
}

function oid(name: string): string {
  const found = forge.pki.oids[name];
  if (found === undefined) throw new Error(`node-forge knows no object identifier "${name}".`);
  return found;
}

/** Apple's keys in Apple's order; `DER-Encoded-Profile`, a second copy of the same facts, is left out. */
function propertyList(request: ProfileRequest): PlistValue {
  const prefix = request.prefix ?? request.team;
  const entitlements = request.entitlements ?? defaultEntitlements(request, prefix);
  return {
    AppIDName: request.name,
    ApplicationIdentifierPrefix: [prefix],
    CreationDate: request.createdAt,
    Platform: [...(request.platforms ?? ['iOS'])],
    IsXcodeManaged: request.xcodeManaged ?? false,
    DeveloperCertificates: request.certificates.map((one) => Buffer.from(one.der)),
    Entitlements: entitlements,
    ExpirationDate: request.expiresAt,
    Name: request.name,
    ...(request.devices === undefined ? {} : { ProvisionedDevices: [...request.devices] }),
    ...(request.kind === 'enterprise' ? { ProvisionsAllDevices: true } : {}),
    TeamIdentifier: [request.team],
    TeamName: request.teamName ?? request.team,
    TimeToLive: Math.round((request.expiresAt.getTime() - request.createdAt.getTime()) / DAY),
    UUID: request.uuid,
    Version: 1,
  };
}

/** The entitlements that Apple gives an app without any capability. */
export function defaultEntitlements(
  request: Pick<ProfileRequest, 'bundleId' | 'kind' | 'team'>,
  prefix: string = request.team,
): Record<string, PlistValue> {
  return {
    ...(request.kind === 'app-store' ? { 'beta-reports-active': true } : {}),
    'application-identifier': `${prefix}.${request.bundleId}`,
    'keychain-access-groups': [`${prefix}.*`, 'com.apple.token'],
    'get-task-allow': request.kind === 'development',
    'com.apple.developer.team-identifier': request.team,
  };
}
