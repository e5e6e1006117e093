import type { AccountBundleId, AccountCertificate, AccountDevice, AccountProfile, DeveloperAccount } from './account.js';

/** What App Store Connect says of things, by its OpenAPI specification. */
const dated = (date: Date): string => date.toISOString().replace(/\.\d{3}Z$/, '.000+00:00');

export function profileDocument(account: DeveloperAccount, profile: AccountProfile, fields: readonly string[] | null): object {
  const state = account.stateOf(profile);
  const attributes = {
    name: profile.name,
    platform: 'IOS',
    profileType: profile.profileType,
    profileState: state,
    profileContent: state === 'INVALID' ? null : Buffer.from(profile.content).toString('base64'),
    uuid: profile.uuid,
    createdDate: dated(profile.createdAt),
    expirationDate: dated(profile.expiresAt),
  };
  const shown = fields === null ? attributes : Object.fromEntries(Object.entries(attributes).filter(([name]) => fields.includes(name)));
  return { type: 'profiles', id: profile.id, attributes: shown };
}

export const bundleIdDocument = ({ id, identifier, name }: AccountBundleId, seedId: string): object => ({
  type: 'bundleIds',
  id,
  attributes: { name, platform: 'IOS', identifier, seedId },
});

export const certificateDocument = ({ id, type, certificate }: AccountCertificate): object => ({
  type: 'certificates',
  id,
  attributes: {
    name: certificate.commonName,
    displayName: certificate.commonName.replace(/^[^:]*: /, '').replace(/ \([A-Z0-9]+\)$/, ''),
    certificateType: type,
    serialNumber: certificate.serial,
    platform: 'IOS',
    expirationDate: dated(certificate.notAfter),
    certificateContent: Buffer.from(certificate.der).toString('base64'),
    activated: true,
  },
});

export const deviceDocument = ({ id, udid, status }: AccountDevice): object => ({
  type: 'devices',
  id,
  attributes: { name: `Device ${id}`, platform: 'IOS', udid, deviceClass: 'IPHONE', status, addedDate: '2025-01-01T00:00:00.000+00:00' },
});

export const errorDocument = (status: number, code: string, title: string, detail: string): object => ({
  errors: [{ id: '00000000-0000-4000-8000-000000000000', status: `${status}`, code, title, detail }],
});
