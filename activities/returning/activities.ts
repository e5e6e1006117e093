import type { LineName, NodeName, Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import { knownOf, owedBecause, type LastKnown } from '../../src/domain/returning.js';
import type { NodeReport } from '../../src/domain/node/report.js';
import { servedBefore, type RotationStatus } from '../../src/domain/rotation/status.js';
import type { RotationNodeRow } from '../ledger/contract.js';
import { asOfNow } from '../rotation/as-of-now.js';
import { orderRestore } from '../rotation/restore.js';
import { asFailure, manifestOf, nodesOf, situationOf, type Surroundings } from '../rotation/surroundings.js';
import type { ReturningActivities, ReturningLine } from './contract.js';

/** Who restores where nobody asked. */
export const SCHEDULE = 'schedule';
/** One inspection's nodes. */
const AT_ONCE = 100;

/** What of the ledger is read: it says whom to ask, and never what a node has; the node says that. */
export interface ReturningLedger {
  rotations(filter: { readonly line: string }): Promise<readonly RotationStatus[]>;
  rotationNodes(id: string): Promise<readonly RotationNodeRow[]>;
  nodes(filter: { readonly line: string }): Promise<readonly { readonly name: NodeName; readonly report: NodeReport }[]>;
}

export interface ReturningDesk {
  readonly around: Surroundings;
  readonly ledger: ReturningLedger;
  /** Whether a rotation of the line is in flight, a question of its own included. */
  readonly inFlight: (line: LineName) => Promise<boolean>;
}

export function createReturningActivities(desk: ReturningDesk): ReturningActivities {
  const { around } = desk;
  return {
    surveyReturning: () =>
      asFailure(async () => {
        const { topology, policy } = around.configuration();
        const lines: ReturningLine[] = [];
        for (const line of Object.keys(topology.lines) as LineName[]) {
          const manifest = await approvedHead(desk, line);
          if (manifest !== null) lines.push({ line, manifest });
        }
        return { terms: policy.returning, everyNodeAfter: policy.scan.every, audience: policy.audience.owner, lines };
      }),
    nodesToLookAt: ({ line, which, after }) =>
      asFailure(async () => {
        const manifest = await approvedHead(desk, line);
        if (manifest === null) return null;
        const situation = situationOf(around, line);
        const known = await lastKnown(desk.ledger, line);
        const found = nodesOf(situation, await manifestOf(situation.store, manifest))
          .map((node) => ({ node, why: owedBecause(known.get(node.name) ?? null, manifest) }))
          .filter(({ node, why }) => (after === null || node.name > after) && (which === 'every-node' || why !== null))
          .sort((a, b) => (a.node.name < b.node.name ? -1 : 1))
          .slice(0, AT_ONCE);
        if (found.length === 0) return null;
        const asked = await asOfNow(around, line, found.map(({ node }) => node), { by: SCHEDULE }); // prettier-ignore
        return { ...asked, nodes: found.map(({ node, why }) => ({ node: node.name, why })) };
      }),
    orderReturn: ({ line, node: name, key }) =>
      asFailure(async () => {
        const { topology, policy } = around.configuration();
        const node = topology.nodes.find((one) => one.name === name && one.lines.includes(line));
        if (node === undefined || (await approvedHead(desk, line)) === null) return null;
        try {
          return await orderRestore(around, { node, line, key, by: SCHEDULE, ticket: policy.scan.ticket }, () =>
            refuseInFlight(desk, line),
          );
        } catch (error) {
          if (error instanceof ResealError && error.code === 'ROTATION_IN_FLIGHT') return null;
          throw error;
        }
      }),
  };
}

/** What is in force on a line where nothing is under way, if people approved it, or a rotation found it in force; else null: it is not for a schedule to spread. */
async function approvedHead({ around, ledger, inFlight }: ReturningDesk, line: LineName): Promise<Sha256 | null> {
  const { store } = situationOf(around, line);
  if (!(await store.isThere()) || (await inFlight(line))) return null;
  const head = await store.head(line);
  if (head === null) return null;
  return (await isApproved({ ledger }, line, head.digest)) ? head.digest : null;
}

/** Whether people approved it for the line, or a rotation found it in force. */
export const isApproved = async ({ ledger }: Pick<ReturningDesk, 'ledger'>, line: LineName, manifest: Sha256): Promise<boolean> =>
  (await ledger.rotations({ line })).some((rotation) => servedBefore(rotation, manifest));

/** @throws ResealError ROTATION_IN_FLIGHT */
export async function refuseInFlight({ inFlight }: Pick<ReturningDesk, 'inFlight'>, line: LineName): Promise<void> {
  if (await inFlight(line)) throw new ResealError('ROTATION_IN_FLIGHT', `A rotation is in flight on ${line}.`);
}

async function lastKnown(ledger: ReturningLedger, line: LineName): Promise<ReadonlyMap<NodeName, LastKnown>> {
  const [last] = await ledger.rotations({ line });
  const rows = new Map((last === undefined ? [] : await ledger.rotationNodes(last.id)).map((row) => [row.node, row]));
  const reports = new Map((await ledger.nodes({ line })).map(({ name, report }) => [name, report]));
  return new Map([...new Set([...rows.keys(), ...reports.keys()])].map((node) => [node, knownOf(reports.get(node), rows.get(node))]));
}
