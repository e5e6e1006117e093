import { createHash, generateKeyPair, privateEncrypt, constants, createPrivateKey, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import forge from 'node-forge';

const generate = promisify(generateKeyPair);

/** A certificate with its private key, in the forms that node-forge and node:crypto want. */
export interface Authority {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  readonly certificate: forge.pki.Certificate;
  /** Signs with node:crypto, ten times as fast as node-forge itself. */
  readonly key: forge.pki.rsa.PrivateKey;
}

export interface Subject {
  readonly commonName: string;
  readonly organization: string;
  readonly organizationalUnit?: string;
  readonly userId?: string;
}

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** What a certificate may do; decides its extensions. */
export type Purpose =
  { readonly kind: 'authority'; readonly pathLength?: number } | { readonly kind: 'profile-signer' } | { readonly kind: 'distribution' };

/** RSA 2048 in PKCS #8 PEM; made by OpenSSL, for node-forge takes seconds. */
export async function newPrivateKey(): Promise<string> {
  const { privateKey } = await generate('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/**
 * Issues a certificate. The serial number is derived from key and validity, so that equal inputs give equal bytes.
 *
 * @param issuer null for a root
 */
export function issue(subject: Subject, validity: Validity, purpose: Purpose, privateKeyPem: string, issuer: Authority | null): Authority {
  const key = nodeKey(privateKeyPem);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
  certificate.serialNumber = serial(key, validity);
  certificate.validity.notBefore = validity.notBefore;
  certificate.validity.notAfter = validity.notAfter;
  certificate.setSubject(attributes(subject));
  certificate.setIssuer(issuer === null ? attributes(subject) : issuer.certificate.subject.attributes);
  certificate.setExtensions(extensions(purpose, issuer));
  certificate.sign(issuer?.key ?? key, forge.md.sha256.create());
  return { certificatePem: forge.pki.certificateToPem(certificate), privateKeyPem, certificate, key };
}

/** Reads back what `issue` made. */
export function openAuthority(certificatePem: string, privateKeyPem: string): Authority {
  return { certificatePem, privateKeyPem, certificate: forge.pki.certificateFromPem(certificatePem), key: nodeKey(privateKeyPem) };
}

/** DER of a certificate. */
export function derOf(authority: Pick<Authority, 'certificate'>): Uint8Array {
  return Buffer.from(forge.asn1.toDer(forge.pki.certificateToAsn1(authority.certificate)).getBytes(), 'binary');
}

/** A node-forge key whose `sign` is done by node:crypto. */
function nodeKey(pem: string): forge.pki.rsa.PrivateKey {
  const key = forge.pki.privateKeyFromPem(pem);
  const native = createPrivateKey(pem);
  return { ...key, sign: (digest: forge.md.MessageDigest) => signDigest(native, digest) };
}

const DIGEST_OIDS: Readonly<Record<string, string>> = { sha1: forge.pki.oids['sha1'] ?? '', sha256: forge.pki.oids['sha256'] ?? '' };

/** RSASSA-PKCS1-v1_5 (RFC 8017, 8.2) over a digest that node-forge has computed. */
function signDigest(key: KeyObject, digest: forge.md.MessageDigest): string {
  const { asn1 } = forge;
  const { algorithm } = digest;
  const oid = DIGEST_OIDS[algorithm];
  if (oid === undefined || oid === '') throw new Error(`The simulated hierarchy signs with SHA-1 and SHA-256, not with "${algorithm}".`);
  const universal = (type: forge.asn1.Type, constructed: boolean, value: string | forge.asn1.Asn1[]): forge.asn1.Asn1 =>
    asn1.create(asn1.Class.UNIVERSAL, type, constructed, value);
  const info = universal(asn1.Type.SEQUENCE, true, [
    universal(asn1.Type.SEQUENCE, true, [
      universal(asn1.Type.OID, false, asn1.oidToDer(oid).getBytes()),
      universal(asn1.Type.NULL, false, ''),
    ]),
    universal(asn1.Type.OCTETSTRING, false, digest.digest().getBytes()),
  ]);
  const der = Buffer.from(asn1.toDer(info).getBytes(), 'binary');
  return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, der).toString('binary');
}

function attributes(subject: Subject): forge.pki.CertificateField[] {
  const optional = (name: string, value: string | undefined): forge.pki.CertificateField[] =>
    value === undefined ? [] : [{ name, value, valueTagClass: UTF8 }];
  return [
    ...(subject.userId === undefined ? [] : [{ type: '0.9.2342.19200300.100.1.1', value: subject.userId, valueTagClass: UTF8 }]),
    { name: 'commonName', value: subject.commonName, valueTagClass: UTF8 },
    ...optional('organizationalUnitName', subject.organizationalUnit),
    { name: 'organizationName', value: subject.organization, valueTagClass: UTF8 },
    { name: 'countryName', value: 'US' },
  ];
}

// node-forge takes the ASN.1 type of the string here; its type declaration calls it a class.
const UTF8 = forge.asn1.Type.UTF8 as unknown as forge.asn1.Class;

function extensions(purpose: Purpose, issuer: Authority | null): object[] {
  const keyIds = [
    { name: 'subjectKeyIdentifier' },
    ...(issuer === null
      ? []
      : [{ name: 'authorityKeyIdentifier', keyIdentifier: issuer.certificate.generateSubjectKeyIdentifier().getBytes() }]),
  ];
  switch (purpose.kind) {
    case 'authority': {
      const limit = purpose.pathLength === undefined ? {} : { pathLenConstraint: purpose.pathLength };
      return [
        { name: 'basicConstraints', critical: true, cA: true, ...limit },
        { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
        ...keyIds,
      ];
    }
    case 'profile-signer':
      return [
        { name: 'basicConstraints', critical: true, cA: false },
        { name: 'keyUsage', critical: true, digitalSignature: true },
        ...keyIds,
      ];
    case 'distribution':
      return [
        { name: 'basicConstraints', critical: true, cA: false },
        { name: 'keyUsage', critical: true, digitalSignature: true },
        { name: 'extKeyUsage', critical: true, codeSigning: true },
        ...keyIds,
      ];
  }
}

/** Eight bytes, the first bit clear: a serial number is positive (RFC 5280, 4.1.2.2). */
function serial(key: forge.pki.rsa.PrivateKey, validity: Validity): string {
  const hash = createHash('sha256')
    .update(`${key.n.toString(16)} ${validity.notBefore.toISOString()} ${validity.notAfter.toISOString()}`)
    .digest();
  const bytes = Buffer.from(hash.subarray(0, 8));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}
