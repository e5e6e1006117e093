import { ResealError } from '../../src/domain/errors.js';
import { exchanged, otherSigner, type StandInFound } from '../../src/domain/rotation/stand-ins.js';
import type { Topology } from '../../src/domain/topology.js';
import type { RotationActivities } from './contract.js';
import type { FrozenCohorts } from './frozen-plan.js';
import { manifestOf, situationOf, type Surroundings } from './surroundings.js';

/** By the topology that preflight froze: a change of topology.yaml applies to the next rotation. @throws ResealError STORE_UNREACHABLE, NOT_FOUND */
export async function findStandIn(
  around: Surroundings,
  { line, id, ticket, node, tried, cohorts, topology, to }: Parameters<RotationActivities['findStandIn']>[0],
): Promise<StandInFound> {
  const { store } = situationOf(around, line);
  const [frozen, { waves, routes }, manifest] = await Promise.all([
    around.content.frozen(topology) as Promise<Topology>,
    around.content.frozen(cohorts) as Promise<FrozenCohorts>,
    manifestOf(store, to),
  ]);
  const declaration = frozen.lines[line];
  if (declaration === undefined) throw new ResealError('CONFIG_INVALID', `The frozen topology ${topology} has no line ${line}.`);
  const found = otherSigner(waves, node, tried, { nodes: frozen.nodes, line: declaration, to: manifest });
  if (found.by === null) return found;
  const document: FrozenCohorts = { waves: exchanged(waves, node, found.by), routes };
  const [digest] = await store.putMany([{ kind: 'frozen', document }], { rotation: id, ticket });
  if (digest === undefined) throw new ResealError('INTERNAL', 'A cohort plan was frozen, and no digest came back.');
  return { ...found, cohorts: digest };
}
