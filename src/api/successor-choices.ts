import { ResealError } from '../domain/errors.js';
import { candidateName } from '../domain/successor.js';
import type { RotationRequest } from '../../activities/rotation/contract.js';
import { surveyLine } from '../../activities/rotation/survey.js';
import type { OpenSurroundings } from '../temporal/reseal-worker.js';

/** As many as a person reads. */
const MOST_NAMED = 20;

/**
 * A person's choice of successors, looked at before the rotation gets a number: a UUID that nobody offers is a slip of the hand, and
 * one that fits nothing due would only be refused a minute later.
 *
 * @throws ResealError NOT_FOUND where no source offers a chosen UUID, REFUSED where one fits nothing that is due; with every reason and what there is
 */
export async function refuseWrongChoices(around: OpenSurroundings, request: RotationRequest): Promise<void> {
  if (request.successors === undefined) return;
  const { matches, offered } = await surveyLine(around, request);
  if (matches.unusedChoices.length === 0) return;
  const known = new Set<string>(offered.map((candidate) => candidate.profile.uuid));
  const unknown = matches.unusedChoices.filter((choice) => !known.has(choice.uuid));
  const details = [
    ...matches.unusedChoices.filter((choice) => known.has(choice.uuid)).map((choice) => `--successor ${choice.uuid}: ${choice.reason}`),
    ...offered.slice(0, MOST_NAMED).map((candidate) => `on offer: ${candidateName(candidate)}`),
    ...(offered.length > MOST_NAMED ? [`and ${offered.length - MOST_NAMED} more`] : []),
  ];
  if (unknown.length > 0) {
    const there = offered.length === 0 ? 'they offer nothing that could be used' : 'choose among what they offer';
    throw new ResealError(
      'NOT_FOUND',
      `No source of ${request.line} offers ${unknown.map((choice) => choice.uuid).join(', ')}; ${there}.`,
      { details },
    );
  }
  throw new ResealError('REFUSED', `What was chosen with --successor fits nothing that is due on ${request.line}.`, { details });
}
