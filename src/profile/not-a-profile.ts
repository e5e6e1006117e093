import { ResealError } from '../domain/errors.js';
import { looksLikePlist } from './contents.js';

/** Largest file that is taken for a profile. Apple's have 10 to some 200 kB, with every device and certificate of a team. */
export const MAX_PROFILE_BYTES = 4 * 1024 * 1024;

const EXPECTED = 'Expected a .mobileprovision: a CMS file signed by Apple.';

/**
 * Says what was found under a profile's name instead of one.
 *
 * @param cause why it could not be decoded; undefined where it was not even tried
 */
export function notAProfile(bytes: Uint8Array, cause?: unknown): ResealError {
  const { found, advice } = recognise(bytes, cause);
  return new ResealError('NOT_A_PROFILE', `Found ${found}. ${EXPECTED} ${advice}`, cause === undefined ? undefined : { cause });
}

/** As `notAProfile`, for a file that was not read because of its size. */
export function tooLarge(size: number): ResealError {
  const found = `a file of ${(size / 1024 / 1024).toFixed(1)} MB`;
  return new ResealError(
    'NOT_A_PROFILE',
    `Found ${found}; a profile has at most ${MAX_PROFILE_BYTES / 1024 / 1024} MB. ${EXPECTED} Give the profile itself, not an archive or app that holds it.`,
  );
}

const AGAIN = 'Download it again from the developer portal.';

function recognise(bytes: Uint8Array, cause: unknown): { readonly found: string; readonly advice: string } {
  if (bytes.length === 0) return { found: 'an empty file', advice: AGAIN };
  const start = Buffer.from(bytes.subarray(0, 512))
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart();
  if (/^(?:<!doctype\s+html|<html)/i.test(start))
    return { found: 'an HTML page', advice: 'The download probably ended at a log-in page: sign in and download it again.' };
  if (start.startsWith('bplist00') || looksLikePlist(Buffer.from(bytes).toString('utf8'))) {
    return {
      found: 'a bare property list without a signature',
      advice: 'Use the file as Apple delivered it, not the output of `security cms -D`.',
    };
  }
  if (start.startsWith('version https://git-lfs'))
    return { found: 'a Git LFS pointer', advice: 'Run `git lfs pull` to get the file itself.' };
  if (start.startsWith('{'))
    return { found: 'a JSON document', advice: 'Of an answer of App Store Connect, decode `profileContent` from base64.' };
  if (/^(?:-----BEGIN|MII[A-Za-z0-9+/])/.test(start)) return { found: 'base64 text', advice: 'Decode it first.' };
  const announced = announcedLength(bytes);
  if (announced !== null && announced > bytes.length)
    return { found: `a truncated file (${bytes.length} of ${announced} bytes)`, advice: AGAIN };
  if (bytes[0] === 0x30)
    return { found: `a damaged or unrelated ASN.1 file${cause instanceof Error ? ` (${cause.message})` : ''}`, advice: AGAIN };
  return { found: `bytes of no known kind (${Buffer.from(bytes.subarray(0, 8)).toString('hex')}…)`, advice: AGAIN };
}

/** The whole length that a definite-length SEQUENCE announces in its header; null where it does not. */
function announcedLength(bytes: Uint8Array): number | null {
  const [tag, first] = bytes;
  if (tag !== 0x30 || first === undefined || first === 0x80) return null;
  if (first < 0x80) return 2 + first;
  const count = first & 0x7f;
  if (count > 4 || bytes.length < 2 + count) return null;
  return 2 + count + bytes.subarray(2, 2 + count).reduce((sum, byte) => sum * 256 + byte, 0);
}
