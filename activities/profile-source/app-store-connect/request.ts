import { createHash } from 'node:crypto';
import type { Instant } from '../../../src/domain/brands.js';
import type { ManifestEntry, Method } from '../../../src/domain/manifest.js';
import { sha1Hex } from '../../../src/profile/digest.js';
import type { WireCertificate, WireProfile } from './wire.js';

/** What a new profile is to be made of. */
export interface ProfileRequest {
  readonly profileType: string;
  /** Ids of App Store Connect, as everything here. */
  readonly bundleId: string;
  readonly certificates: readonly string[];
  readonly devices: readonly string[];
}

const TYPES: Readonly<Record<Method, string>> = {
  'app-store': 'APP_STORE',
  'ad-hoc': 'APP_ADHOC',
  development: 'APP_DEVELOPMENT',
  enterprise: 'APP_INHOUSE',
};

/** Apple's type of profile for an entry; for entries of macOS it is only known by their predecessor. */
export function profileTypeOf(entry: ManifestEntry, predecessor: WireProfile | null): string | null {
  if (predecessor?.attributes.profileType !== undefined) return predecessor.attributes.profileType;
  switch (entry.profile.platforms[0]) {
    case 'iOS':
      return `IOS_${TYPES[entry.method]}`;
    case 'tvOS':
      return `TVOS_${TYPES[entry.method]}`;
    default:
      return null;
  }
}

/** The bundle id or pattern that an entry's profile is for. */
export const patternOf = ({ profile }: ManifestEntry): string => profile.appId.slice(profile.appId.indexOf('.') + 1);

/**
 * A name of reseal's own, that follows from what the profile is made of: after a crash it is found by it, and made of something else it has another.
 * Names are unique in a team, and one of an expired profile stays taken.
 * @param turn from 1; the next one where a name is taken by what is no use any more
 */
export function nameOf(entry: ManifestEntry, request: ProfileRequest, turn: number): string {
  const made = [entry.profile.uuid, request.profileType, ...[...request.certificates].sort(), '', ...[...request.devices].sort()];
  const digest = createHash('sha256').update(made.join('\n')).digest('hex').slice(0, 8);
  const name = `reseal ${patternOf(entry).replace('*', 'wildcard')} ${entry.method} ${digest}`;
  return turn === 1 ? name : `${name} ${turn}`;
}

/** The body of `POST /v1/profiles`. */
export function creationDocument(name: string, request: ProfileRequest): object {
  const many = (type: string, ids: readonly string[]): object => ({ data: ids.map((id) => ({ type, id })) });
  return {
    data: {
      type: 'profiles',
      attributes: { name, profileType: request.profileType },
      relationships: {
        bundleId: { data: { type: 'bundleIds', id: request.bundleId } },
        certificates: many('certificates', request.certificates),
        ...(request.devices.length === 0 ? {} : { devices: many('devices', request.devices) }),
      },
    },
  };
}

/** Those of the certificates that an entry's profile embeds, as App Store Connect has them. */
export const embeddedIn = (entry: ManifestEntry, certificates: readonly WireCertificate[]): readonly WireCertificate[] =>
  certificates.filter(({ attributes }) => {
    const content = attributes.certificateContent;
    return typeof content === 'string' && entry.profile.certificates.includes(sha1Hex(Buffer.from(content, 'base64')));
  });

/**
 * The certificates of a successor: those of the predecessor that live long enough; where none does, the newest of the same kind and name, for an identity
 * is renewed under its old name. Empty where there is none.
 */
export function certificatesFor(
  predecessors: readonly WireCertificate[],
  all: readonly WireCertificate[],
  outlive: Instant,
): readonly WireCertificate[] {
  const lives = ({ attributes }: WireCertificate): boolean => Date.parse(attributes.expirationDate ?? '') > outlive;
  const kept = predecessors.filter(lives);
  if (kept.length > 0) return kept;
  const renewed = all.filter(
    (one) =>
      lives(one) &&
      predecessors.some(
        ({ attributes }) =>
          attributes.certificateType === one.attributes.certificateType && attributes.displayName === one.attributes.displayName,
      ),
  );
  return renewed.sort((a, b) => Date.parse(b.attributes.expirationDate ?? '') - Date.parse(a.attributes.expirationDate ?? '')).slice(0, 1);
}
