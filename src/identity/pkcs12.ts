import { createHmac, timingSafeEqual, X509Certificate } from 'node:crypto';
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
  const file = readFile(bytes);
  if (file === null) throw notAnIdentity(name, 'it is no PKCS#12');
  if (file.mac === 'unknown') throw notAnIdentity(name, `its integrity is protected in a way that is not read here; ${AGAIN}`);
  if (file.mac !== null && !isMacOf(file.mac, password)) throw notAnIdentity(name, 'its password is another one');
  // PBES2 (RFC 8018) takes the password in UTF-8, the older schemes of PKCS#12 as a BMPString, as the MAC does; a file may have both.
  const spellings = [...new Set([forge.util.encodeUtf8(password), password])];
  for (const spelling of spellings) {
    try {
      return forge.pkcs12.pkcs12FromAsn1(file.withoutMac, false, spelling);
    } catch {
      // The other spelling may be the right one; why none is, is told below.
    }
  }
  const guess = file.mac === null ? 'its password is another one, or it' : 'it';
  throw notAnIdentity(name, `${guess} is encrypted in a way that is not read here, or holds another key than one of RSA; ${AGAIN}`);
}

const AGAIN = 'export an RSA identity again, with a password of ASCII characters where it had others';

/** What proves that a file is whole and the password right (RFC 7292, MacData). */
interface Mac {
  readonly content: string;
  readonly digest: string;
  readonly salt: string;
  readonly iterations: number;
  readonly hash: 'sha1' | 'sha256' | 'sha384' | 'sha512';
}
type HashName = Mac['hash'];
const HASHES: readonly HashName[] = ['sha1', 'sha256', 'sha384', 'sha512'];

const partsOf = (node: forge.asn1.Asn1 | undefined): readonly forge.asn1.Asn1[] => (Array.isArray(node?.value) ? node.value : []);
const bytesOf = (node: forge.asn1.Asn1 | undefined): string => (typeof node?.value === 'string' ? node.value : '');

/** A PFX and its MAC apart. null: it is none. @returns `unknown` as the MAC: there is one, by a hash that is not known */
function readFile(bytes: Uint8Array): { readonly withoutMac: forge.asn1.Asn1; readonly mac: Mac | 'unknown' | null } | null {
  let pfx: forge.asn1.Asn1;
  try {
    pfx = forge.asn1.fromDer(Buffer.from(bytes).toString('binary'));
  } catch {
    return null;
  }
  const [version, safe, macData] = partsOf(pfx);
  const [type, wrapped] = partsOf(safe);
  if (version === undefined || safe === undefined || type?.type !== forge.asn1.Type.OID) return null;
  const withoutMac = { ...pfx, value: [version, safe] };
  if (macData === undefined) return { withoutMac, mac: null };
  const [digestInfo, salt, iterations] = partsOf(macData);
  const [algorithm, digest] = partsOf(digestInfo);
  const oid = bytesOf(partsOf(algorithm)[0]);
  const hash = HASHES.find((one) => oids[one] !== undefined && oid !== '' && oids[one] === forge.asn1.derToOid(oid));
  // In pieces where it is BER of indefinite length.
  const [content] = partsOf(wrapped);
  const whole = content === undefined ? '' : typeof content.value === 'string' ? content.value : partsOf(content).map(bytesOf).join('');
  if (hash === undefined) return { withoutMac, mac: 'unknown' };
  const count = iterations === undefined ? 1 : forge.util.createBuffer(bytesOf(iterations)).getInt(bytesOf(iterations).length * 8);
  return { withoutMac, mac: { content: whole, digest: bytesOf(digest), salt: bytesOf(salt), iterations: count, hash } };
}

/** Derived as in RFC 7292, appendix B, purpose 3: the password is a BMPString there whatever the encryption is. */
function isMacOf({ content, digest, salt, iterations, hash }: Mac, password: string): boolean {
  const key = forge.pkcs12.generateKey(password, forge.util.createBuffer(salt), 3, iterations, digest.length, forge.md[hash].create());
  const mac = createHmac(hash, Buffer.from(key.getBytes(), 'binary')).update(Buffer.from(content, 'binary')).digest();
  const expected = Buffer.from(digest, 'binary');
  return mac.length === expected.length && timingSafeEqual(mac, expected);
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
