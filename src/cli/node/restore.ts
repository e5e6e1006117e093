import type { RestoreResult, RestoreTask } from '../../domain/node/restore.js';
import { restoreText, TASKS, type RestoresView, type RestoreStandingView } from '../../presenters/restore.js';
import { ApiClient } from '../api-client.js';
import { defineCommand, type Context } from '../command.js';

export const command = defineCommand({
  description:
    'Bring nodes to the manifest in force: ones that were away, imaged anew, or never had any; exit 1 when one fails, 3 when one is away',
  arguments: { node: { kind: 'list', description: 'Nodes of topology.yaml', required: true } },
  options: {
    line: { kind: 'text', value: 'LINE', description: 'On this line only (default: on all that the node follows)' },
    as: { kind: 'text', required: true, value: 'PERSON', description: 'who says it, by the roster (restore)' },
    ticket: { kind: 'text', required: true, value: 'TICKET', description: 'the change that this belongs to' },
  },
  async handler(context, { node }, { line, as, ticket }) {
    const api = await ApiClient.find(context);
    const begun: RestoreStandingView[] = [];
    // One by one: what is refused is refused before anything is begun on the nodes after it.
    for (const name of new Set(node)) begun.push(...(await api.post<readonly RestoreStandingView[]>(`${pathOf(name)}/restore`, { by: as, ticket, ...(line === undefined ? {} : { line }) }))); // prettier-ignore
    const restores = await Promise.all(begun.map((one) => untilEnded(context, api, one)));
    const view: RestoresView = { schemaVersion: 1, restores };
    context.output.show(view, () => restoreText(view));
    if (restores.some(({ outcome }) => outcome === 'unreachable')) return 3;
    return restores.every(({ outcome }) => outcome === 'done') ? 0 : 1;
  },
});

const pathOf = (node: string): string => `/v1/nodes/${encodeURIComponent(node)}`;

async function untilEnded(context: Context, api: ApiClient, begun: RestoreStandingView): Promise<RestoreResult> {
  const { node, line } = begun;
  let standing = begun;
  let told: RestoreTask | null = null;
  while (standing.state === 'running') {
    if (standing.task !== told) context.output.progress(`${node} on ${line}: ${TASKS[standing.task]}`);
    told = standing.task;
    standing = await api.get<RestoreStandingView>(`${pathOf(node)}/restore/${encodeURIComponent(line)}`);
  }
  return standing.result;
}
