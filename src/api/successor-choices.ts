import { ResealError } from '../domain/errors.js';
import { candidateName } from '../domain/successor.js';
import type { RotationRequest } from '../../activities/rotation/contract.js';
import { surveyLine, type Survey } from '../../activities/rotation/survey.js';
import type { OpenSurroundings } from '../temporal/surroundings.js';

/** As many as a person reads. */
const MOST_NAMED = 20;

/** What a person chose with `--successor` and cannot have. */
export interface WrongChoices {
  /** UUIDs that no source offers. */
  readonly unknown: readonly string[];
  /** A sentence for each choice that is offered and fits nothing due. */
  readonly unfit: readonly string[];
  /** What there is to choose from, a line each. */
  readonly offers: readonly string[];
}

/** Null where every choice was used. */
export function wrongChoices({ matches, offered }: Pick<Survey, 'matches' | 'offered'>): WrongChoices | null {
  if (matches.unusedChoices.length === 0) return null;
  const known = new Set<string>(offered.map((candidate) => candidate.profile.uuid));
  return {
    unknown: matches.unusedChoices.filter((choice) => !known.has(choice.uuid)).map((choice) => choice.uuid),
    unfit: matches.unusedChoices.filter((choice) => known.has(choice.uuid)).map((choice) => `--successor ${choice.uuid}: ${choice.reason}`),
    offers: [
      ...offered.slice(0, MOST_NAMED).map(candidateName),
      ...(offered.length > MOST_NAMED ? [`and ${offered.length - MOST_NAMED} more`] : []),
    ],
  };
}

/**
 * A person's choice of successors, looked at before the rotation gets a number: a UUID that nobody offers is a slip of the hand, and
 * one that fits nothing due would only be refused a minute later.
 *
 * @throws ResealError NOT_FOUND where no source offers a chosen UUID, REFUSED where one fits nothing that is due; with every reason and what there is
 */
export async function refuseWrongChoices(around: OpenSurroundings, request: RotationRequest): Promise<void> {
  if (request.successors === undefined) return;
  const wrong = wrongChoices(await surveyLine(around, request));
  if (wrong === null) return;
  const details = [...wrong.unfit, ...wrong.offers.map((offer) => `on offer: ${offer}`)];
  if (wrong.unknown.length > 0) {
    const there = wrong.offers.length === 0 ? 'they offer nothing that could be used' : 'choose among what they offer';
    throw new ResealError('NOT_FOUND', `No source of ${request.line} offers ${wrong.unknown.join(', ')}; ${there}.`, { details });
  }
  throw new ResealError('REFUSED', `What was chosen with --successor fits nothing that is due on ${request.line}.`, { details });
}
