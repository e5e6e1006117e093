import type { Configuration } from '../../src/configuration/load.js';
import type { Instant, LineName } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import { judgedRevocations, type JudgedRevocations, type RevocationJudges } from '../../src/statement/revocations.js';
import type { ManifestStore } from '../manifest-store/contract.js';
import { scheduleAuthority } from '../mandates/schedule.js';
import { adoptedOn } from '../roster/standing.js';
import { situationOf, type Surroundings } from '../rotation/surroundings.js';

/** What the stores of an installation keep of revocations. */
export interface KnownRevocations extends JudgedRevocations {
  /** Stores, besides the one that had to answer, which could not be read. */
  readonly away: readonly string[];
}

export function revocationJudges(configuration: Configuration, adopted: RevocationJudges['adopted'], now: Instant): RevocationJudges {
  const { installation, assurance } = scheduleAuthority(configuration, null);
  return { installation, assurance, roster: configuration.roster, adopted, now };
}

export const storeNames = ({ topology }: Pick<Configuration, 'topology'>): readonly string[] => [
  ...new Set(Object.values(topology.lines).map(({ store }) => store)),
];

/**
 * What is known of revocations on a line: by its own store, which has to answer, and by those of the other lines as far as they do. A certificate is of a team: a store that was
 * away, or not begun yet, when somebody recorded that it is revoked hides nothing.
 * @throws ResealError STORE_UNREACHABLE, DIGEST_MISMATCH
 */
export async function revocationsOn(around: Surroundings, line: LineName): Promise<KnownRevocations> {
  const { configuration, declaration, store } = situationOf(around, line);
  const others = storeNames(configuration).filter((name) => name !== declaration.store);
  const [own, ...found] = await Promise.all([store.revocations(), ...others.map((name) => readable(around.store(name)))]);
  const documents = [...own, ...found.flatMap((one) => one ?? [])];
  return {
    ...judgedRevocations(unique(documents), revocationJudges(configuration, await adoptedOn(around, line), around.clock())),
    away: others.filter((_, index) => found[index] === null),
  };
}

/** The same of all lines, as far as their stores can be read: that may be none. */
export async function revocationsEverywhere(around: Surroundings): Promise<KnownRevocations> {
  const configuration = around.configuration();
  const names = storeNames(configuration);
  const found = await Promise.all(names.map((name) => readable(around.store(name))));
  const documents = found.flatMap((one) => one ?? []);
  const away = names.filter((_, index) => found[index] === null);
  const adopted = await adoptedAnywhere(around);
  return { ...judgedRevocations(unique(documents), revocationJudges(configuration, adopted, around.clock())), away };
}

/** By the first store that can be read; they all keep the same. */
export async function adoptedAnywhere(around: Pick<Surroundings, 'configuration' | 'store'>): Promise<RevocationJudges['adopted']> {
  for (const line of Object.keys(around.configuration().topology.lines) as LineName[]) {
    const found = await adoptedOn(around, line).catch((error: unknown) => {
      if (error instanceof ResealError) return null;
      throw error;
    });
    if (found !== null) return found;
  }
  return [];
}

/** Null: it cannot be read. One that is away is not told from one that nobody has begun. */
async function readable(store: ManifestStore): Promise<readonly unknown[] | null> {
  try {
    return (await store.isThere()) ? await store.revocations() : null;
  } catch (error) {
    if (error instanceof ResealError) return null;
    throw error;
  }
}

/** The same word is in several stores. */
export const unique = (documents: readonly unknown[]): readonly unknown[] => [
  ...new Map(documents.map((document) => [JSON.stringify(document), document])).values(),
];
