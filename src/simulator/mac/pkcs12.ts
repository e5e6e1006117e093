import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import forge from 'node-forge';

/** What a PKCS#12 file (RFC 7292) has inside. */
export interface Pkcs12Contents {
  readonly keys: readonly KeyObject[];
  readonly certificates: readonly X509Certificate[];
}

/** Why it was not read: wrong password, or an encryption that a Mac does not know, which it tells as the same; or not PKCS#12 at all. */
export type Pkcs12Failure = 'mac' | 'format';

/** 1.2.840.113549.1.5.13, PBES2, in DER. */
const PBES2 = Buffer.from('06092a864886f70d01050d', 'hex');
/** The names of the bags' types in node-forge. */
const { oids } = forge.pki;

/** Opens a PKCS#12 file as a Mac does. */
export function openPkcs12(bytes: Uint8Array, password: string): Pkcs12Contents | Pkcs12Failure {
  let asn1: forge.asn1.Asn1;
  try {
    asn1 = forge.asn1.fromDer(Buffer.from(bytes).toString('binary'));
    if (!isPfx(asn1)) return 'format';
  } catch {
    return 'format';
  }
  if (Buffer.from(bytes).includes(PBES2)) return 'mac';
  try {
    return contents(forge.pkcs12.pkcs12FromAsn1(asn1, false, password));
  } catch {
    return 'mac';
  }
}

/** PFX ::= SEQUENCE { version INTEGER 3, authSafe ContentInfo, macData } */
function isPfx(asn1: forge.asn1.Asn1): boolean {
  if (!Array.isArray(asn1.value) || asn1.value.length < 2) return false;
  const [version, authSafe] = asn1.value;
  return version?.type === forge.asn1.Type.INTEGER && version.value === '\u0003' && authSafe?.type === forge.asn1.Type.SEQUENCE;
}

function contents(pfx: forge.pkcs12.Pkcs12Pfx): Pkcs12Contents {
  const bags = (name: string): forge.pkcs12.Bag[] => pfx.getBags({ bagType: oids[name] ?? '' })[oids[name] ?? ''] ?? [];
  return {
    keys: [...bags('pkcs8ShroudedKeyBag'), ...bags('keyBag')].flatMap(({ key }) => (key ? [nodeKey(key)] : [])),
    certificates: bags('certBag').flatMap(({ cert }) => (cert ? [nodeCertificate(cert)] : [])),
  };
}

const nodeKey = (key: forge.pki.PrivateKey): KeyObject => createPrivateKey(forge.pki.privateKeyToPem(key));
const nodeCertificate = (certificate: forge.pki.Certificate): X509Certificate =>
  new X509Certificate(forge.pki.certificateToPem(certificate));
