import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Sha1 } from '../domain/brands.js';
import { codeDirectoryDigest, readMachO, type CodeSignature } from '../mac/code-signature.js';
import { readCmsSignature } from '../mac/cms-signature.js';
import type { SignedCode } from './wire.js';

const FAT = 0xcafebabe;
/** Java's class files begin with the same four bytes; the number of architectures tells them apart. */
const MOST_SLICES = 16;

/**
 * What a bundle holds of code, and that each piece was signed by this certificate and no other, cryptographically: rcodesign takes the first
 * certificate that it is given for the signer's, whosever key it has.
 * @returns in a sentence without a full stop what is wrong, else the codes
 */
export function signedCodes(bundle: string, certificate: Sha1): readonly SignedCode[] | string {
  const codes: SignedCode[] = [];
  for (const path of filesOf(bundle)) {
    const name = relative(bundle, path);
    try {
      for (const slice of slicesOf(readFileSync(path))) {
        const code = signedCode(name, slice, certificate);
        if (typeof code === 'string') return `${name} ${code}`;
        codes.push(code);
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return `${name} is no Mach-O file that can be read: ${error.message}`;
    }
  }
  return codes.length === 0 ? 'the bundle holds no code' : codes;
}

/** @throws RangeError for a file that is cut short or lies about its lengths */
function signedCode(path: string, slice: Buffer, certificate: Sha1): SignedCode | string {
  const signature = readMachO(slice)?.signature ?? null;
  if (signature === null) return 'is not signed';
  const best = signature.alternates.at(-1) ?? signature.codeDirectory;
  return wrongSigner(signature, certificate) ?? { path, identifier: best.identifier, cdHash: codeDirectoryDigest(best).slice(0, 40) };
}

function wrongSigner({ cms, codeDirectory }: CodeSignature, certificate: Sha1): string | null {
  if (cms === null) return 'has a signature without a certificate';
  const { chain, isOf } = readCmsSignature(cms);
  const found = chain[0]?.fingerprint.replaceAll(':', '').toLowerCase();
  if (found !== certificate)
    return `was signed with the certificate ${found?.slice(0, 8) ?? 'of nobody'}, not with ${certificate.slice(0, 8)}`;
  return isOf(codeDirectory.bytes) ? null : `has a signature that the key of ${certificate.slice(0, 8)} did not make`;
}

function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** The thin 64-bit Mach-O files in one: itself, or those of a universal one. Empty where it is no code. */
function slicesOf(file: Buffer): readonly Buffer[] {
  if (readMachO(file) !== null) return [file];
  if (file.length < 8 || file.readUInt32BE(0) !== FAT || file.readUInt32BE(4) > MOST_SLICES) return [];
  return Array.from({ length: file.readUInt32BE(4) }, (_, index) => {
    const at = 8 + index * 20;
    const offset = file.readUInt32BE(at + 8);
    return file.subarray(offset, offset + file.readUInt32BE(at + 12));
  });
}
