import { X509Certificate } from 'node:crypto';
import * as pkijs from 'pkijs';
import type { Sha1, Sha256 } from '../domain/brands.js';
import { sha1Hex, sha256Hex } from './digest.js';

const COMMON_NAME = '2.5.4.3';
const BASIC_CONSTRAINTS = '2.5.29.19';

/** An X.509 certificate with what reseal asks of it. */
export interface Certificate {
  readonly x509: X509Certificate;
  readonly commonName: string;
  readonly issuerCommonName: string;
  /** Upper-case hexadecimal. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly sha1: Sha1;
  readonly sha256: Sha256;
  /** SHA-256 of the SubjectPublicKeyInfo. */
  readonly keySha256: Sha256;
  /** DER of the names, as hexadecimal: equal names are equal strings. */
  readonly subject: string;
  readonly issuer: string;
  /** How many authorities may stand below this one; null: no limit, or no authority. */
  readonly pathLength: number | null;
  /** `damaged` where the reader understood these bytes as other bytes: written again, what was read is not what was there. */
  readonly encoding: 'whole' | 'damaged';
}

/** Certificates that were read, by the SHA-256 of their DER: a team's profiles all carry Apple's and its own, and reading one takes milliseconds. */
const known = new Map<Sha256, Certificate>();
const KEPT = 256;

/** Reads one DER certificate. What it says depends on its bytes alone, so equal ones are read once. @throws Error (of OpenSSL or pkijs) where it is none */
export function readCertificate(der: Uint8Array): Certificate {
  const digest = sha256Hex(der);
  const before = known.get(digest);
  if (before !== undefined) return before;
  const certificate = decoded(der);
  const [oldest] = known.keys();
  if (known.size >= KEPT && oldest !== undefined) known.delete(oldest);
  known.set(digest, certificate);
  return certificate;
}

function decoded(der: Uint8Array): Certificate {
  const x509 = new X509Certificate(der);
  const parsed = pkijs.Certificate.fromBER(new Uint8Array(x509.raw));
  return {
    x509,
    commonName: commonName(parsed.subject),
    issuerCommonName: commonName(parsed.issuer),
    serial: x509.serialNumber.toUpperCase(),
    notBefore: parsed.notBefore.value,
    notAfter: parsed.notAfter.value,
    sha1: sha1Hex(x509.raw),
    sha256: sha256Hex(x509.raw),
    keySha256: sha256Hex(x509.publicKey.export({ type: 'spki', format: 'der' })),
    subject: hex(parsed.subject.valueBeforeDecode),
    issuer: hex(parsed.issuer.valueBeforeDecode),
    pathLength: pathLength(parsed),
    encoding: Buffer.compare(new Uint8Array(parsed.toSchema().toBER()), der) === 0 ? 'whole' : 'damaged',
  };
}

function pathLength(certificate: pkijs.Certificate): number | null {
  const found: unknown = certificate.extensions?.find((one) => one.extnID === BASIC_CONSTRAINTS)?.parsedValue;
  return found instanceof pkijs.BasicConstraints && typeof found.pathLenConstraint === 'number' ? found.pathLenConstraint : null;
}

const hex = (bytes: ArrayBuffer): string => Buffer.from(bytes).toString('hex');

function commonName(name: pkijs.RelativeDistinguishedNames): string {
  const found = name.typesAndValues.find((one) => one.type === COMMON_NAME);
  return found?.value.valueBlock.value ?? '';
}
