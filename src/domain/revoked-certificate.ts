import { isSha1, type Sha1 } from './brands.js';
import type { Manifest } from './manifest.js';
import { isSameSerial, readSerial, serialLast6 } from './serial.js';

/** A certificate of a manifest in force, named as revoked. */
export interface RevokedCertificate {
  readonly certificate: Sha1;
  /** Upper-case hexadecimal digits without leading zeros. */
  readonly serial: string;
  readonly name: string;
}

/** Fewer digits at the end of a serial number name no certificate. */
const FEWEST_DIGITS = 6;

/**
 * The certificate that somebody names as revoked: by its SHA-1, its serial number, or the last six digits or more of that where only one has them.
 * `reason` ends a sentence.
 */
export function revokedIn(manifest: Manifest, text: string): RevokedCertificate | { readonly reason: string } {
  const plain = text.replaceAll(/[:\s]/g, '').toLowerCase();
  const serial = readSerial(text);
  if (serial === null || serial.length < FEWEST_DIGITS)
    return { reason: 'it takes a serial number (at least its last 6 hexadecimal digits) or a SHA-1' };
  const all = [...signingIdentities(manifest)];
  const exact = all.filter(([sha1, one]) => sha1 === plain || isSameSerial(one.serial, serial));
  const fitting = exact.length > 0 || isSha1(plain) ? exact : all.filter(([, one]) => one.serial.endsWith(serial));
  const [first, second] = fitting;
  if (first === undefined) return { reason: notInForce(manifest, serialLast6(serial)) };
  if (second !== undefined)
    return { reason: `${fitting.length} certificates fit it: ${fitting.map(([sha1]) => sha1).join(', ')}; name one by its SHA-1` };
  return { certificate: first[0], serial: readSerial(first[1].serial) ?? first[1].serial, name: first[1].commonName };
}

/** Whether a certificate is the one that was named. */
export function isNamed({ certificate, serial }: Omit<RevokedCertificate, 'name'>, text: string): boolean {
  const plain = text.replaceAll(/[:\s]/g, '').toLowerCase();
  return certificate === plain || serial.endsWith(readSerial(text) ?? '-');
}

const signingIdentities = ({ certificates, profiles }: Manifest): Map<Sha1, Manifest['certificates'][Sha1]> =>
  new Map(profiles.flatMap(({ identity }) => (certificates[identity] === undefined ? [] : [[identity, certificates[identity]] as const])));

/** Why an emergency has nothing to replace; ends a sentence. */
export const notInForce = (manifest: Manifest, last6: string): string =>
  `nothing on ${manifest.line} signs with a certificate of serial …${last6}; it signs with ${[...signingIdentities(manifest)]
    .map(([sha1, { serial, commonName }]) => `…${serialLast6(serial)} ("${commonName}", SHA-1 ${sha1.slice(0, 8)})`)
    .join(', ')}`;
