import type { PersonId, RotationId } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import { orphanInWords, whatToDo } from '../domain/rotation/orphan.js';
import type { AdoptStatement, Signed } from '../domain/rotation/statement.js';
import type { RotationView } from '../presenters/rotation.js';
import { orphansOf } from '../temporal/orphans.js';
import { mustBeAdoptedBy } from '../../activities/approvals/start.js';
import type { AdoptionRequest } from '../../activities/rotation/contract.js';
import { lineOf, mayAsk, startOn, untilNamed, workflowIdOf, type RotationDesk } from './rotations.js';
import type { ByName } from './statements.js';

/**
 * Has a rotation go on whose workflow has ended without an outcome, and answers once it does, or has been refused.
 * @throws ResealError NOT_FOUND, ROTATION_IN_FLIGHT, ILLEGAL_COMMAND, REFUSED, NOT_ENTITLED, WRONG_TICKET, SIGNATURE_NEEDED, SIGNATURE_REFUSED, STATEMENT_REFUSED
 */
export async function adoptRotation(desk: RotationDesk, id: string, given: ByName | Signed<AdoptStatement>): Promise<RotationView> {
  const line = lineOf(id);
  const asked: AdoptionRequest = {
    ...{ rotation: id as RotationId, line },
    ...('statement' in given
      ? { by: given.statement.person, ticket: given.statement.ticket, signed: given }
      : { by: given.by as PersonId, ticket: given.ticket }),
  };
  mayAsk(desk, asked.by, asked.ticket, 'start');
  const [last] = await desk.ledger.rotations({ line, limit: 1 });
  const known = last?.id === id ? last : await desk.ledger.rotation(id);
  if (known === null) throw new ResealError('NOT_FOUND', `There is no rotation ${id}. List them with \`reseal rotation list\`.`);
  if (known.outcome !== null) throw new ResealError('ILLEGAL_COMMAND', `${id} ended as ${known.phase}: there is nothing to adopt.`);
  const orphans = orphansOf(desk);
  if (!(await orphans.isOrphaned(known)))
    throw new ResealError('ROTATION_IN_FLIGHT', `${id} is in flight (${known.phase}), and its workflow drives it. Say to it what you want: reseal rotation status ${id}`); // prettier-ignore
  if (last?.id !== id) throw new ResealError('REFUSED', `${last?.id ?? 'another rotation'} has begun on ${line} since: ${whatToDo({ id: asked.rotation, line, run: 'gone' })}.`); // prettier-ignore
  const orphan = await orphans.on(line);
  if (orphan?.run === 'gone') throw new ResealError('REFUSED', `${orphanInWords(orphan)}.`);
  const { state } = await orphans.leftBehind(workflowIdOf(line), asked.rotation);
  mustBeAdoptedBy(desk.around.configuration(), asked, state, Date.now());
  const handle = await startOn(desk, 'adoptedRotation', line, { asked });
  return untilNamed(desk, handle, line);
}
