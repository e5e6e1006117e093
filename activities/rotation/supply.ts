import { ResealError } from '../../src/domain/errors.js';
import { neededLife } from '../../src/domain/successor.js';
import type { RotationRequest } from './contract.js';
import type { Surroundings } from './surroundings.js';
import type { Survey } from './survey.js';

/**
 * Has the line's sources make what nothing offered fits, the first of them first. Never in a rehearsal at another date: what is made is real, and would be
 * of no use there.
 * @returns a sentence for each that was not made; null where there was nothing to make, or nobody who makes any
 */
export async function supplyMissing(
  around: Surroundings,
  { offset }: Pick<RotationRequest, 'offset'>,
  { matches, situation, terms }: Survey,
): Promise<readonly string[] | null> {
  const wanted = matches.entries.flatMap((match) =>
    match.outcome === 'missing' ? [{ entry: match.entry, outlive: terms.now + terms.offset + neededLife(match.entry.method, terms) }] : [],
  );
  const maker = situation.declaration.sources.map((name) => around.source(name)).find((source) => source.supply !== undefined);
  if (wanted.length === 0 || offset !== 0 || maker?.supply === undefined) return null;
  try {
    return await maker.supply(wanted);
  } catch (error) {
    if (error instanceof ResealError && (error.code === 'SOURCE_UNREACHABLE' || error.code === 'SOURCE_REFUSED')) return [error.message];
    throw error;
  }
}
