import { setTimeout as sleep } from 'node:timers/promises';
import { ResealError } from '../../../src/domain/errors.js';
import type { Succession, WrittenFor } from '../contract.js';
import { firstLine } from '../../../src/secret/read-secret.js';
import { encryptMatch, type MatchFormat } from './encryption.js';
import { matchFileName } from './file-name.js';
import { readMatch, type MatchContents, type MatchOptions } from './reading.js';

/** How often somebody else may be faster before it is left to the next attempt. */
const MOST_TRIES = 8;

/** For a repository whose profiles are none of ours: what fastlane writes today. */
const NEWEST: MatchFormat = { version: 'v2' };

/**
 * Puts successors in their predecessors' places, as one commit on the tip that was read; where somebody has pushed meanwhile, everything is read anew. A
 * file whose contents are these already stays as it is, and so does one that somebody has replaced by another profile than a predecessor: match
 * may have made that. Keys and certificates are never touched.
 * @returns paths that were written. @throws ResealError SOURCE_UNREACHABLE, SOURCE_REFUSED
 */
export async function writeBack(
  options: MatchOptions,
  successions: readonly Succession[],
  { rotation, ticket }: WrittenFor,
): Promise<readonly string[]> {
  const passphrase = firstLine(await options.passphrase());
  for (let tries = 1; ; tries += 1) {
    const { tip, paths, profiles } = await readMatch(options);
    const files = new Map<string, Uint8Array>();
    for (const succession of successions) {
      const place = placeOf(options, succession, { paths, profiles });
      if (place !== null) files.set(place.path, await encryptMatch(succession.bytes, passphrase, place.format));
    }
    if (files.size === 0) return [];
    const pushed = await options.repository.push(tip, {
      files,
      subject: subjectOf([...files.keys()]),
      context: { rotation, ticket, by: 'reseal' },
    });
    if (pushed.outcome === 'landed') return [...files.keys()];
    if (pushed.outcome === 'refused')
      throw new ResealError(
        'SOURCE_REFUSED',
        `${options.repository.described} refused the successors of ${rotation}: ${pushed.reason}. Give this account leave to push, or set writeBack: false.`,
      );
    if (tries === MOST_TRIES)
      throw new ResealError(
        'SOURCE_UNREACHABLE',
        `${options.repository.described} was changed by others whenever the successors of ${rotation} were to be written.`,
      );
    await sleep(50 * tries * (0.5 + Math.random()));
  }
}

/** Where a successor belongs, and how that file is encrypted; null where nothing is to be written. */
function placeOf(
  { profiles: verified }: MatchOptions,
  { bytes, predecessors }: Succession,
  { paths, profiles }: Pick<MatchContents, 'paths' | 'profiles'>,
): { readonly path: string; readonly format: MatchFormat } | null {
  const { profile } = verified.verify(bytes);
  if (profiles.some(({ candidate }) => candidate.profile.sha256 === profile.sha256)) return null;
  const old = predecessors
    .map((entry) => profiles.find(({ candidate }) => candidate.profile.uuid === entry.profile.uuid))
    .find((found) => found !== undefined);
  if (old !== undefined) return { path: old.path, format: old.format };
  const path = matchFileName(profile);
  if (paths.includes(path)) return null;
  return { path, format: profiles[0]?.format ?? NEWEST };
}

function subjectOf(paths: readonly string[]): string {
  const [only] = paths;
  return paths.length === 1 ? `reseal: ${only ?? ''}` : `reseal: ${paths.length} profiles`;
}
