import { randomUUID } from 'node:crypto';
import type { LineName } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import type { NodeDeclaration } from '../domain/topology.js';
import { lineView, nodeView, type NodeLineView, type NodeListView } from '../presenters/node.js';
import type { NodeReport } from '../domain/node/report.js';
import type { RotationNodeRow } from '../../activities/ledger/contract.js';
import { nodeExpected, type NodeExpectedView } from '../presenters/node-expected.js';
import { asOfNow } from '../../activities/rotation/as-of-now.js';
import { revokedInForce } from '../../activities/revocations/in-force.js';
import { headOf, situationOf } from '../../activities/rotation/surroundings.js';
import type { NodeInspection, NodeInspectionInput } from '../../workflows/node-inspection.js';
import type { RotationDesk } from './rotations.js';

/** Every declared node with what was last read off it: by an inspection, or by a rotation's step since. */
export async function listNodes(desk: RotationDesk): Promise<NodeListView> {
  const { topology } = desk.around.configuration();
  const reports = new Map((await desk.ledger.nodes()).map((seen) => [`${seen.name} ${seen.line}`, seen.report]));
  const heads = new Map<LineName, string | null>();
  const rows = new Map<string, RotationNodeRow>();
  for (const line of Object.keys(topology.lines) as LineName[]) {
    heads.set(line, await headDigest(desk, line));
    const [last] = await desk.ledger.rotations({ line });
    for (const row of last === undefined ? [] : await desk.ledger.rotationNodes(last.id)) rows.set(`${row.node} ${line}`, row);
  }
  const nodes = topology.nodes.map((node) =>
    nodeView(
      node,
      node.lines.map((line) =>
        lastSeen(line, heads.get(line) ?? null, reports.get(`${node.name} ${line}`) ?? null, rows.get(`${node.name} ${line}`) ?? null),
      ),
    ),
  );
  return { schemaVersion: 1, nodes };
}

function lastSeen(line: LineName, head: string | null, report: NodeReport | null, row: RotationNodeRow | null): NodeLineView {
  const seen = lineView(line, head, report, null);
  if (row === null || (report !== null && report.at >= row.at)) return seen;
  const done = row.state.endsWith('done') || row.state.endsWith('pinned');
  const verdict = done ? 'pass' : row.state.endsWith('unreachable') ? 'unreachable' : 'fail';
  const active = row.active ?? seen.active;
  return {
    ...seen,
    verdict,
    active,
    onHead: active === null || head === null ? null : active === head,
    accepted: [],
    seenAt: new Date(row.at).toISOString(),
    reason: row.reason,
  };
}

/** Node truth, read now, by a worker that reaches the node. */
export async function inspectNode(
  desk: RotationDesk,
  name: string,
  offset: number,
  show: 'every-check' | 'problems' = 'problems',
): Promise<NodeListView> {
  const node = declared(desk, name);
  const lines = await Promise.all(node.lines.map((line) => inspectLine(desk, node, line, offset, show)));
  return { schemaVersion: 1, nodes: [nodeView(node, lines)] };
}

async function inspectLine(
  desk: RotationDesk,
  node: NodeDeclaration,
  line: LineName,
  offset: number,
  show: 'every-check' | 'problems',
): Promise<NodeLineView> {
  const { store } = situationOf(desk.around, line);
  const head = await store.head(line);
  if (head === null) return lineView(line, null, null, null);
  const input: NodeInspectionInput = {
    line,
    nodes: [node.name],
    manifest: head.digest,
    offset,
    ...(await asOfNow(desk.around, line, [node], { by: 'reseal' })),
    ...(show === 'every-check' ? { everyCheck: true } : {}),
  };
  const found = (await desk.client.workflow.execute('nodeInspection', {
    workflowId: `inspection/${node.name}/${line}/${randomUUID().slice(0, 8)}`,
    taskQueue: desk.taskQueue,
    args: [input],
    staticSummary: `inspects ${node.name} on ${line}`,
  })) as NodeInspection;
  return lineView(line, head.digest, found.reports[0] ?? null, found.unreachable[0]?.reason ?? null);
}

/** What a node should have now: declaration and the heads of its lines; the node is not asked. */
export async function expectedOfNode(desk: RotationDesk, name: string): Promise<NodeExpectedView> {
  const node = declared(desk, name);
  const heads = await Promise.all(
    node.lines.map(async (line) => {
      const { store } = situationOf(desk.around, line);
      return [line, (await store.head(line)) === null ? null : await headOf(store, line)] as const;
    }),
  );
  const expected = nodeExpected(node, desk.around.configuration().topology.lines, Object.fromEntries(heads));
  const revoked = new Map(
    await Promise.all(
      heads.map(
        async ([line, known]) => [line as string, known === null ? [] : await revokedInForce(desk.around, line, known.manifest)] as const,
      ),
    ),
  );
  const lines = expected.lines.map((one) => {
    const found = revoked.get(one.line) ?? [];
    return found.length === 0 ? one : { ...one, revoked: found };
  });
  return { ...expected, lines };
}

/** @throws ResealError NOT_FOUND */
export function declared(desk: RotationDesk, name: string): NodeDeclaration {
  const node = desk.around.configuration().topology.nodes.find((one) => one.name === name);
  if (node !== undefined) return node;
  throw new ResealError('NOT_FOUND', `topology.yaml declares no node ${name}. List them with \`reseal node list\`.`);
}

const headDigest = async (desk: RotationDesk, line: LineName): Promise<string | null> =>
  (await situationOf(desk.around, line).store.head(line))?.digest ?? null;
