import { ResealError } from '../../src/domain/errors.js';
import { adopted, unadoptable, whatToDo } from '../../src/domain/rotation/orphan.js';
import { mustBeAdoptedBy } from '../approvals/start.js';
import { mustStandOnAdopted } from '../roster/standing.js';
import type { RotationActivities } from './contract.js';
import type { Orphans } from './orphans.js';
import { situationOf, type Surroundings } from './surroundings.js';

type Asked = Parameters<RotationActivities['adoptRotation']>[0];

/** The state of a rotation whose workflow has ended without an outcome, for another run to go on from. Who asks only says which one. */
export async function adoptRotation(
  around: Surroundings,
  orphans: Pick<Orphans, 'leftBehind'>,
  asked: Asked,
): ReturnType<RotationActivities['adoptRotation']> {
  const { rotation, line, by, ticket, signed, key, askedAt, workflowId } = asked;
  const { store, configuration } = situationOf(around, line);
  if ((await store.record(rotation)) !== null)
    throw new ResealError('REFUSED', `${rotation} has ended: its closing record is in the store. See reseal rotation status ${rotation}.`);
  const later = (await store.records(line)).find((id) => numberIn(id) > numberIn(rotation));
  if (later !== undefined)
    throw new ResealError('REFUSED', `${later} has begun on ${line} since, and ended; nodes refuse what ${rotation} would say: ${whatToDo({ id: rotation, line, run: 'gone' })}.`); // prettier-ignore
  const left = await orphans.leftBehind(workflowId, rotation);
  const reason = unadoptable(left.state, { id: rotation, line });
  if (reason !== null) throw new ResealError('REFUSED', `This cannot be adopted: ${reason}.`);
  mustBeAdoptedBy(configuration, asked, left.state, askedAt);
  // A way back that was under way goes on at anybody's word who may.
  if (signed !== undefined && left.state.authority.assurance === 'signature' && left.state.phase !== 'rolling-back')
    await mustStandOnAdopted(around, line, { by, right: 'start', ...signed });
  if (signed !== undefined) await store.allot(line, `adoption/${key}`, { rotation, ticket, by }, signed.statement.nonce);
  const now = around.clock();
  return { ...left, state: adopted(left.state, { by, ticket, at: now, signed: signed ?? null }, now) };
}

const numberIn = (id: string): number => Number(id.slice(id.lastIndexOf('-') + 1));
