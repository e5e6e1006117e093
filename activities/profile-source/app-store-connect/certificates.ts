import type { Sha1, Uuid } from '../../../src/domain/brands.js';
import type { TeamCertificates } from '../../../src/domain/gone-certificates.js';
import { sha1Hex } from '../../../src/profile/digest.js';
import type { AppStoreConnectClient } from './client.js';
import { CertificatesPage, ProfilesPage, type WireCertificate } from './wire.js';

/** Every certificate that App Store Connect lists, and by their UUIDs the profiles of the team, INVALID ones among them. It tells of none that it was revoked: it lists it no more. */
export async function teamCertificates(client: AppStoreConnectClient): Promise<TeamCertificates> {
  const fields = { 'fields[profiles]': 'name,uuid' };
  const certificates = await client.all('list the certificates', '/v1/certificates', {}, CertificatesPage);
  const profiles = await client.all('list the profiles of the team', '/v1/profiles', fields, ProfilesPage);
  return {
    listed: certificates.flatMap(sha1Of),
    profiles: profiles.flatMap(({ attributes: { uuid } }) => (uuid === undefined ? [] : [uuid.toLowerCase() as Uuid])),
  };
}

const sha1Of = ({ attributes: { certificateContent } }: WireCertificate): readonly Sha1[] =>
  typeof certificateContent === 'string' ? [sha1Hex(Buffer.from(certificateContent, 'base64'))] : [];
