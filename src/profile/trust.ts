import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ResealError } from '../domain/errors.js';
import { readCertificate } from './certificate.js';
import { sha256Hex } from './digest.js';

/** Who may sign a profile under a root: by subject and issuer of the signing certificate, or anyone whom the root vouches for. */
export type Signers = 'any' | readonly { readonly subject: string; readonly issuer: string }[];

/** A root that is trusted because it is named here, never because a file embeds it. */
export interface PinnedRoot {
  readonly name: string;
  /** SHA-256 of the root certificate, lower-case hexadecimal. */
  readonly sha256: string;
  /** SHA-256 of its SubjectPublicKeyInfo: older files embed another certificate of the same key. */
  readonly keySha256: string;
  readonly signers: Signers;
}

/**
 * The signers that Apple's own policy admits. Every developer's certificate leads to Apple's root too, so the root alone
 * proves nothing: without this, anybody with a developer account could sign profiles.
 * Source: Apple's `security` project, SecPolicyPriv.h, SecPolicyCreateiPhoneProvisioningProfileSigning (three certificates,
 * these two common names); the second pair is what signs the `DER-Encoded-Profile` inside the files since 2023.
 */
export const APPLE_SIGNERS: Signers = [
  { subject: 'Apple iPhone OS Provisioning Profile Signing', issuer: 'Apple iPhone Certification Authority' },
  { subject: 'WWDR Provisioning Profile Signing', issuer: 'Apple System Integration CA 4' },
];

/** Apple's roots. Fingerprints as published at https://www.apple.com/certificateauthority/; keys taken from those certificates. */
export const APPLE_ROOTS: readonly PinnedRoot[] = [
  {
    name: 'Apple Root CA',
    sha256: 'b0b1730ecbc7ff4505142c49f1295e6eda6bcaed7e2c68c5be91b5a11001f024',
    keySha256: 'eb4993efa9b089e593418aa893f8e93a7374d810e52fcbe01e7f1d7e92a6d024',
    signers: APPLE_SIGNERS,
  },
  {
    name: 'Apple Root CA - G3',
    sha256: '63343abfb89a6a03ebb57e9b3f5fa7be7c4f5c756f3017b3a8c488c3653e9179',
    keySha256: '9b219d0fbff36a5fb32090571906bceea68617c833a3f61b81e962a8e64db8af',
    signers: APPLE_SIGNERS,
  },
];

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Pins the roots of a simulated mesh, besides Apple's.
 *
 * @param pems texts with one or more certificates each
 * @param signers whom to admit under them; `any` by default, for such a root signs nothing but what its mesh made
 * @throws ResealError CONFIG_INVALID where a text holds no readable certificate
 */
export function pinRoots(pems: readonly string[], signers: Signers = 'any'): readonly PinnedRoot[] {
  return pems.flatMap((pem) => {
    const blocks = pem.match(CERTIFICATE) ?? [];
    if (blocks.length === 0) {
      throw new ResealError(
        'CONFIG_INVALID',
        'An extra root (trust.extraRoots) holds no PEM certificate. Give a file that begins with -----BEGIN CERTIFICATE-----.',
      );
    }
    return blocks.map((block) => pinnedRoot(block, signers));
  });
}

/** Reads PEM files and pins what they hold. @throws ResealError FILE_UNREADABLE, CONFIG_INVALID */
export function pinRootFiles(paths: readonly string[]): readonly PinnedRoot[] {
  return paths.flatMap((path) => {
    try {
      return pinRoots([readFileSync(path, 'utf8')]);
    } catch (cause) {
      if (cause instanceof ResealError) throw new ResealError(cause.code, `${path}: ${cause.message}`, { cause });
      throw new ResealError('FILE_UNREADABLE', `The root certificate ${path} cannot be read. Check the path and its permissions.`, {
        cause,
      });
    }
  });
}

function pinnedRoot(pem: string, signers: Signers): PinnedRoot {
  try {
    const root = readCertificate(new X509Certificate(pem).raw);
    return { name: root.commonName, sha256: root.sha256, keySha256: root.keySha256, signers };
  } catch (cause) {
    throw new ResealError('CONFIG_INVALID', 'An extra root (trust.extraRoots) is no readable X.509 certificate. Export it again as PEM.', {
      cause,
    });
  }
}

/** Names a set of roots; verdicts under different roots are different verdicts. */
export function rootsDigest(roots: readonly PinnedRoot[]): string {
  const lines = roots.map((root) => `${root.sha256} ${root.keySha256} ${JSON.stringify(root.signers)}`);
  return sha256Hex(Buffer.from([...new Set(lines)].sort().join('\n')));
}
