import type { RestoreResult, RestoreTask } from '../../domain/node/restore.js';
import { ResealError } from '../../domain/errors.js';
import { restoreText, TASKS, type RestoresView, type RestoreStandingView } from '../../presenters/restore.js';
import { ApiClient } from '../api-client.js';
import { defineCommand, type Context } from '../command.js';

export const command = defineCommand({
  description:
    'Bring nodes to the manifest in force, or with --break-glass one to what it served before; exit 1 when one fails, 3 when one is away',
  arguments: { node: { kind: 'list', description: 'Nodes of topology.yaml', required: true } },
  options: {
    line: { kind: 'text', value: 'LINE', description: 'On this line only (default: on all that the node follows)' },
    as: {
      kind: 'text',
      value: 'PERSON',
      description: 'who says it, by the roster (restore); without it --break-glass records your account',
    },
    ticket: { kind: 'text', required: true, value: 'TICKET', description: 'the change that this belongs to' },
    breakGlass: { kind: 'flag', description: 'without the control plane: from this machine, by the node alone, to what it served before' },
    to: { kind: 'text', value: 'SHA256', description: 'with --break-glass: another manifest that the node has, or its store' },
    buildsHome: { kind: 'text', value: 'DIR', description: 'with --break-glass, on the Mac of an agent: home of the account that builds' },
    yes: { kind: 'flag', description: 'with --break-glass: do not ask for the name of the node' },
  },
  async handler(context, { node }, { line, as, ticket, breakGlass, to, buildsHome, yes }) {
    if (breakGlass) {
      const { breakGlass: restoreHere } = await import('./break-glass.js');
      return restoreHere(context, { nodes: [...new Set(node)], line, ticket, as, to, buildsHome, yes });
    }
    const alone = Object.entries({ to, 'builds-home': buildsHome, yes: yes || undefined }).filter(([, given]) => given !== undefined);
    if (alone.length > 0) throw new ResealError('USAGE', `--${alone.map(([name]) => name).join(' and --')} goes with --break-glass alone.`);
    if (as === undefined) throw new ResealError('USAGE', 'Say who restores, with --as PERSON, by the roster.');
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
