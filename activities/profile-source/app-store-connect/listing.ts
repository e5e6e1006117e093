import { join } from 'node:path';
import { ResealError } from '../../../src/domain/errors.js';
import type { VerifiedProfiles } from '../../../src/profile/index.js';
import type { Candidate, IgnoredFile, Listing } from '../contract.js';
import type { AppStoreConnectClient } from './client.js';
import { ProfilesPage, type WireProfile } from './wire.js';

const FIELDS = 'name,profileType,profileState,profileContent,uuid,expirationDate';

/** Every profile that App Store Connect lists, with its contents verified; those that have expired it does not list. */
export async function listProfiles(source: string, client: AppStoreConnectClient, profiles: VerifiedProfiles): Promise<Listing> {
  const found = await client.all('list the profiles', '/v1/profiles', { 'fields[profiles]': FIELDS, sort: 'id' }, ProfilesPage);
  const read = found.map((one) => candidateOf(source, one, profiles));
  return {
    candidates: read.filter((one) => 'bytes' in one),
    ignored: read.filter((one) => 'reasons' in one),
  };
}

function candidateOf(source: string, { id, attributes }: WireProfile, profiles: VerifiedProfiles): Candidate | IgnoredFile {
  // Names come from people, and go into sentences on one line.
  const name = attributes.name.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
  const path = join(source, `${name} (${id})`);
  const ignored = (reason: string): IgnoredFile => ({ source, path, reasons: [reason] });
  if (attributes.profileState === 'INVALID')
    return ignored('is INVALID: a certificate of it was revoked or has expired, or its App ID has changed. It has no contents any more');
  if (typeof attributes.profileContent !== 'string') return ignored('came without its contents');
  try {
    const bytes = Uint8Array.from(Buffer.from(attributes.profileContent, 'base64'));
    return { profile: profiles.verify(bytes).profile, bytes, origin: { source, path } };
  } catch (error) {
    if (error instanceof ResealError) return ignored(error.message);
    throw error;
  }
}
