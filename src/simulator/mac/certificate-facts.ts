import type { X509Certificate } from 'node:crypto';

/** What the simulated Mac keeps of a certificate; read with Node.js alone, for its programs have to start fast. */
export interface CertificateFacts {
  /** Upper-case hexadecimal, as `security` prints it. */
  readonly sha1: string;
  readonly label: string;
  /** Seconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Key id of the issuer, lower-case hexadecimal; `-` where the certificate does not say. */
  readonly issuer: string;
  /** Whether it may sign code. */
  readonly codeSigning: boolean;
  readonly team: string | null;
}

const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';

/** Describes a certificate. `SecCertificateInferLabel` takes the common name. */
export function certificateFacts(certificate: X509Certificate): CertificateFacts {
  return {
    sha1: certificate.fingerprint.replaceAll(':', ''),
    label: commonNameOf(certificate),
    notBefore: Math.floor(Date.parse(certificate.validFrom) / 1000),
    notAfter: Math.floor(Date.parse(certificate.validTo) / 1000),
    issuer: extensionKeyId(certificate, AUTHORITY_KEY_ID, 0x80) ?? '-',
    // Node.js types this as always there; it is undefined where the extension is missing.
    codeSigning: ((certificate.keyUsage as string[] | undefined) ?? []).includes(CODE_SIGNING),
    team: /^OU=(.+)$/m.exec(certificate.subject)?.[1] ?? null,
  };
}

/** The common name, with what Node.js escapes in it (RFC 4514) as it was. */
export function commonNameOf(certificate: X509Certificate): string {
  const raw = /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? '';
  return raw.replaceAll(/\\([,+"\\<>;=# ])/g, '$1');
}

/** The subject key id, lower-case hexadecimal. @throws Error where the certificate has none; every authority has (RFC 5280, 4.2.1.2) */
export function keyIdOf(authority: X509Certificate): string {
  const id = extensionKeyId(authority, SUBJECT_KEY_ID, 0x04);
  if (id === null) throw new Error(`The authority "${commonNameOf(authority)}" has no subject key identifier, which every authority has.`);
  return id;
}

/** The object identifiers 2.5.29.14 and 2.5.29.35 in DER. */
const SUBJECT_KEY_ID = Buffer.from('0603551d0e', 'hex');
const AUTHORITY_KEY_ID = Buffer.from('0603551d23', 'hex');

/** Node.js shows neither key id: the twenty bytes are looked up behind the extension's identifier, under the tag that they have there. */
function extensionKeyId(certificate: X509Certificate, oid: Buffer, tag: number): string | null {
  const at = certificate.raw.indexOf(oid);
  if (at < 0) return null;
  const value = certificate.raw.indexOf(Uint8Array.of(tag, 20), at + oid.length);
  return value < 0 || value > at + oid.length + 8 ? null : certificate.raw.subarray(value + 2, value + 22).toString('hex');
}
