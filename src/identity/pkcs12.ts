import { X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import type { Sha1 } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';

/** A certificate that signs code, with its private key. */
export interface SigningIdentity {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  readonly facts: IdentityFacts;
}

/** What of an identity may be shown and kept: nothing of its private key. */
export interface IdentityFacts {
  /** SHA-1 of the certificate, lower-case hexadecimal: what builds sign by. */
  readonly sha1: Sha1;
  readonly commonName: string;
  /** Apple's Team ID: the organisational unit of the subject. */
  readonly team: string;
  /** Upper-case hexadecimal. */
  readonly serial: string;
  /** ISO 8601, UTC. */
  readonly notBefore: string;
  readonly expiresAt: string;
}

/** RFC 5280, 4.2.1.12: id-kp-codeSigning. */
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
const { oids } = forge.pki;

/**
 * The one signing identity of a PKCS#12 file (RFC 7292), of whatever encryption. The password is in no error.
 * @param name for sentences about it
 * @throws ResealError NOT_AN_IDENTITY: wrong password, no PKCS#12, no or several identities, a key of another certificate, not for code signing
 */
export function readPkcs12(bytes: Uint8Array, password: string, name: string): SigningIdentity {
  const bags = bagsOf(open(bytes, password, name));
  if (bags.keys.length !== 1)
    throw notAnIdentity(name, `it holds ${bags.keys.length === 0 ? 'no private key' : `${bags.keys.length} private keys`}`);
  const privateKeyPem = bags.keys[0] as string;
  const certificates = bags.certificates.map((pem) => new X509Certificate(pem));
  const key = forge.pki.privateKeyFromPem(privateKeyPem);
  const publicKey = forge.pki.publicKeyToPem(forge.pki.setRsaPublicKey(key.n, key.e)).replaceAll(/\s/g, '');
  const own = certificates.find(
    (one) => one.publicKey.export({ type: 'spki', format: 'pem' }).toString().replaceAll(/\s/g, '') === publicKey,
  );
  if (own === undefined) throw notAnIdentity(name, 'its private key belongs to none of the certificates in it');
  // Node.js names the extended key usage so; without any it is undefined, whatever the types say.
  const usages = own.keyUsage as readonly string[] | undefined;
  if (usages?.includes(CODE_SIGNING) !== true) throw notAnIdentity(name, `its certificate ${subject(own, 'CN')} is not for code signing`);
  return { certificatePem: own.toString(), privateKeyPem, facts: factsOf(own) };
}

function open(bytes: Uint8Array, password: string, name: string): forge.pkcs12.Pkcs12Pfx {
  let asn1: forge.asn1.Asn1;
  try {
    asn1 = forge.asn1.fromDer(Buffer.from(bytes).toString('binary'));
  } catch {
    throw notAnIdentity(name, 'it is no PKCS#12');
  }
  try {
    return forge.pkcs12.pkcs12FromAsn1(asn1, false, password);
  } catch (error) {
    // node-forge tells a wrong password by the MAC, and what is no PKCS#12 by its schema.
    const wrongPassword = error instanceof Error && /MAC could not be verified|Invalid password/i.test(error.message);
    throw notAnIdentity(
      name,
      wrongPassword
        ? 'its password is another one'
        : 'it is no PKCS#12 of an RSA key, or its password has characters beyond ASCII (then export it with another one)',
    );
  }
}

function bagsOf(pfx: forge.pkcs12.Pkcs12Pfx): { readonly keys: readonly string[]; readonly certificates: readonly string[] } {
  const bags = (type: string): forge.pkcs12.Bag[] => pfx.getBags({ bagType: oids[type] ?? '' })[oids[type] ?? ''] ?? [];
  return {
    keys: [...bags('pkcs8ShroudedKeyBag'), ...bags('keyBag')].flatMap(({ key }) => (key ? [forge.pki.privateKeyToPem(key)] : [])),
    certificates: bags('certBag').flatMap(({ cert }) => (cert ? [forge.pki.certificateToPem(cert)] : [])),
  };
}

const notAnIdentity = (name: string, what: string): ResealError =>
  new ResealError(
    'NOT_AN_IDENTITY',
    `${name} cannot be used: ${what}. Expected is a PKCS#12 file (.p12) with one certificate for code signing and its private key, as Keychain Access exports it.`,
  );

const subject = (certificate: X509Certificate, field: string): string =>
  certificate.subject
    .split('\n')
    .find((line) => line.startsWith(`${field}=`))
    ?.slice(field.length + 1) ?? '';

/** What of a certificate may be shown and kept. */
export function factsOf(certificate: X509Certificate): IdentityFacts {
  return {
    sha1: certificate.fingerprint.replaceAll(':', '').toLowerCase() as Sha1,
    commonName: subject(certificate, 'CN'),
    team: subject(certificate, 'OU'),
    serial: certificate.serialNumber.toUpperCase(),
    notBefore: new Date(certificate.validFrom).toISOString(),
    expiresAt: new Date(certificate.validTo).toISOString(),
  };
}

/**
 * Makes a PKCS#12 file that every Mac imports: triple DES for certificate and key, SHA-1 for the MAC, as keychains export them. What OpenSSL 3
 * makes by default (PBES2, SHA-256) `security import` refuses with the right password (mac-tools.md). So weak an encryption guards nothing by itself:
 * the file travels sealed, and its password with it.
 */
export function legacyPkcs12(identity: Pick<SigningIdentity, 'certificatePem' | 'privateKeyPem'>, password: string): Uint8Array {
  const pfx = forge.pkcs12.toPkcs12Asn1(
    forge.pki.privateKeyFromPem(identity.privateKeyPem),
    [forge.pki.certificateFromPem(identity.certificatePem)],
    password,
    { algorithm: '3des' },
  );
  return Buffer.from(forge.asn1.toDer(pfx).getBytes(), 'binary');
}
