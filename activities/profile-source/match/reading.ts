import { join } from 'node:path';
import { ResealError } from '../../../src/domain/errors.js';
import type { VerifiedProfiles } from '../../../src/profile/index.js';
import type { Candidate, IgnoredFile } from '../contract.js';
import { firstLine, type Secret } from '../../../src/secret/read-secret.js';
import { decryptMatch, type Decrypted, type MatchFormat } from './encryption.js';
import type { MatchFile, MatchRepository } from './repository.js';

export interface MatchOptions {
  /** As in reseal.yaml. */
  readonly name: string;
  readonly repository: MatchRepository;
  readonly passphrase: Secret;
  readonly profiles: VerifiedProfiles;
}

const SUFFIX = '.mobileprovision';

/** A profile of the repository, with what it takes to write another one in its place. */
export interface MatchProfile {
  readonly path: string;
  readonly format: MatchFormat;
  readonly candidate: Candidate;
}

export interface MatchContents {
  /** The commit that was read. */
  readonly tip: string;
  /** Of everything below `profiles/`, whether it can be read or not. */
  readonly paths: readonly string[];
  readonly profiles: readonly MatchProfile[];
  readonly ignored: readonly IgnoredFile[];
}

type Found = MatchProfile | { readonly ignored: IgnoredFile; readonly wrongPassphrase: boolean };

/**
 * All profiles of the repository at one commit.
 * @throws ResealError SOURCE_UNREACHABLE, and SOURCE_REFUSED where the passphrase opens none of its files
 */
export async function readMatch(options: MatchOptions): Promise<MatchContents> {
  const passphrase = firstLine(await options.passphrase());
  const { tip, files } = await options.repository.read();
  const found: Found[] = [];
  for (const file of files) found.push(await read(options, file, passphrase));
  const profiles = found.filter((one) => 'candidate' in one);
  const others = found.filter((one) => 'ignored' in one);
  if (profiles.length === 0 && others.some((one) => one.wrongPassphrase)) throw wrongPassphrase(options);
  return { tip, paths: files.map((file) => file.path), profiles, ignored: others.map((one) => one.ignored) };
}

function wrongPassphrase({ name, repository }: MatchOptions): ResealError {
  return new ResealError(
    'SOURCE_REFUSED',
    `${repository.described} cannot be read: its passphrase opens none of its profiles. Give the one that match calls MATCH_PASSWORD, where sources.${name}.passphrase in reseal.yaml says.`,
  );
}

async function read(options: MatchOptions, { path, stored }: MatchFile, passphrase: string): Promise<Found> {
  const ignored = (reason: string, wrong = false): Found => ({
    ignored: { source: options.name, path: join(options.name, path), reasons: [reason] },
    wrongPassphrase: wrong,
  });
  if (!path.endsWith(SUFFIX)) return ignored(`does not end in ${SUFFIX}`);
  if (stored === null) return ignored('is no regular file, or larger than any profile');
  const decrypted = await decryptMatch(stored, passphrase, (bytes) => bytes[0] === 0x30);
  if (decrypted.outcome !== 'decrypted')
    return ignored(refusal(decrypted, stored, options.profiles), decrypted.outcome === 'wrong-passphrase');
  try {
    const { profile } = options.profiles.verify(decrypted.bytes);
    const origin = { source: options.name, path: join(options.name, path) };
    return { path, format: decrypted.format, candidate: { profile, bytes: Uint8Array.from(decrypted.bytes), origin } };
  } catch (error) {
    return ignored(error instanceof ResealError ? error.message : String(error));
  }
}

function refusal(decrypted: Exclude<Decrypted, { outcome: 'decrypted' }>, stored: Uint8Array, profiles: VerifiedProfiles): string {
  switch (decrypted.outcome) {
    case 'damaged':
      return decrypted.reason;
    case 'wrong-passphrase':
      return decrypted.version === 'v2'
        ? 'the passphrase does not open it, or somebody has changed it (its tag does not fit)'
        : 'the passphrase does not open it, or it is damaged';
    case 'not-encrypted':
      return `is not encrypted, so match itself could not read it. ${found(stored, profiles)}`;
  }
}

/** What lies there in the open. */
function found(stored: Uint8Array, profiles: VerifiedProfiles): string {
  try {
    profiles.verify(stored);
    return 'It is a profile: put it there with `fastlane match import`.';
  } catch (error) {
    return error instanceof ResealError ? error.message : String(error);
  }
}
