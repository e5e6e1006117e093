import type { LineName, Sha1, Uuid } from './brands.js';
import { keyAlias } from './key-alias.js';
import { shortDigest } from './short-digest.js';

/** Digits of a serial number or fingerprint by which those who know it tell it again, and nobody else finds it (S8). */
const TOLD = 6;

/** The last six digits of a serial number: `…5F2C9A`. */
export const publicSerial = (serial: string): string => `…${serial.slice(-TOLD)}`;

/** What a certificate is called where everybody reads it: the name that a sidecar gives its key. */
export const publicCertificate = (line: LineName, identity: Sha1): string => keyAlias(line, identity);

/** What a profile is called there: its line, and the beginning of its UUID. */
export const publicProfile = (line: LineName, uuid: Uuid): string => `${line}-${uuid.slice(0, 8)}`;

/** A device's UDID as Apple writes it since 2018; those before are forty digits, like fingerprints. */
const DEVICE = /(?<![0-9A-Za-z-])[0-9A-Fa-f]{8}-[0-9A-Fa-f]{16}(?![0-9A-Za-z-])/g;
/** Fingerprints, serial numbers and digests, also with colons between the bytes, as OpenSSL prints them. UUIDs have shorter groups. */
const HEXADECIMAL = /(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{14,}|[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){6,})(?![0-9A-Za-z])/g;
/** SSH's keys by fingerprint. */
const SSH_FINGERPRINT = /(?<![0-9A-Za-z])SHA256:[A-Za-z0-9+/]{43}=?/g;
const MAIL = /[^\s@"'<>()[\]{},;:]+@[^\s@"'<>()[\]{},;:/]+\.[A-Za-z]{2,}/g;

/** A text as it may go into a ticket or to a channel that others read: no full fingerprint, serial number or device id, and no mail address. */
export const publicText = (text: string): string =>
  text
    .replace(MAIL, '…@…')
    .replace(SSH_FINGERPRINT, (found) => `SHA256:…${found.slice(-TOLD)}`)
    .replace(DEVICE, publicSerial)
    .replace(HEXADECIMAL, (found) => (found.length === 64 ? `${shortDigest(found)}…` : publicSerial(found)));

/** A document of plain data in the same form: its texts, its names of members, and whatever is called a serial number, however short. */
export function publicDocument(value: unknown, name = ''): unknown {
  if (typeof value === 'string') return /serial$/i.test(name) && value.length > TOLD ? publicSerial(value) : publicText(value);
  if (Array.isArray(value)) return value.map((one) => publicDocument(one, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [publicText(key), publicDocument(inner, key)]));
}
