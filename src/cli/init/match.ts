import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openDeclaredSource, type SourceSurroundings } from '../../../activities/profile-source/declared.js';
import type { Configuration } from '../../configuration/load.js';
import { ResealError } from '../../domain/errors.js';
import { storeAddress } from '../../domain/store-address.js';

/** The match repository that a team begins with, as reseal.yaml gets it. */
export interface InitialMatch {
  /** An address that git reaches, or an absolute path. */
  readonly url: string;
  readonly branch: string;
}

/** Where the profiles in force are. */
export type InForce = { readonly from: 'folder'; readonly folder: string } | { readonly from: 'match'; readonly match: InitialMatch };

/** @throws ResealError USAGE where neither or both are given, or the address is none */
export function inForce(
  {
    profiles,
    match,
    matchBranch,
    project,
  }: {
    readonly profiles: string | undefined;
    readonly match: string | undefined;
    readonly matchBranch: string | undefined;
    readonly project: string | undefined;
  },
  cwd: string,
): InForce {
  if ((profiles === undefined) === (match === undefined))
    throw new ResealError(
      'USAGE',
      'Say where the profiles in force are: --profiles FOLDER, or --match URL of a fastlane match repository.',
    );
  if (match === undefined) return { from: 'folder', folder: resolve(cwd, profiles ?? '') };
  if (project === undefined)
    throw new ResealError(
      'USAGE',
      '--match needs --project PATH: which apps, roles and targets there are is in no profile, and a match repository has no apps.yaml.',
    );
  const address = storeAddress(match);
  if (address.kind === 'refused') throw new ResealError('USAGE', `--match: found ${address.found}, expected ${address.expected}.`);
  return { from: 'match', match: { url: address.kind === 'path' ? resolve(cwd, match) : match, branch: matchBranch ?? 'master' } };
}

/** The name of the source in reseal.yaml. */
export const MATCH_SOURCE = 'match';

/**
 * Has `work` do with a folder of a match repository's profiles, which is gone afterwards; answers also a sentence for each file that is no use.
 * @throws ResealError SOURCE_REFUSED, SOURCE_UNREACHABLE
 */
export async function withMatchProfiles<T>(
  { reseal }: Configuration,
  around: SourceSurroundings,
  work: (folder: string) => Promise<T>,
): Promise<{ readonly done: T; readonly passedOver: readonly string[] }> {
  const { candidates, ignored } = await openDeclaredSource(reseal, MATCH_SOURCE, around).list();
  const folder = await mkdtemp(join(tmpdir(), 'reseal-match-profiles-'));
  try {
    for (const { profile, bytes } of candidates) await writeFile(join(folder, `${profile.uuid}.mobileprovision`), bytes);
    return { done: await work(folder), passedOver: ignored.map((one) => `${one.path}: ${one.reasons.join('; ')}`) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
