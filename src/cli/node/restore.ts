import type { RestoreResult, RestoreTask } from '../../domain/node/restore.js';
import { ResealError } from '../../domain/errors.js';
import { restoreText, TASKS, type RestoresView, type RestoreStandingView } from '../../presenters/restore.js';
import { ApiClient } from '../api-client.js';
import type { NodeName, Sha256 } from '../../domain/brands.js';
import type { Mandate } from '../../domain/mandate.js';
import { defineCommand, type Context } from '../command.js';
import { draftMandate, linesOf, signMandates } from '../mandate.js';
import { KEY_OPTION, withSigningKey } from '../signing-key.js';

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
    ...KEY_OPTION,
    breakGlass: { kind: 'flag', description: 'without the control plane: from this machine, by the node alone, to what it served before' },
    to: { kind: 'text', value: 'SHA256', description: 'with --break-glass: another manifest that the node has, or its store' },
    buildsHome: { kind: 'text', value: 'DIR', description: 'with --break-glass, on the Mac of an agent: home of the account that builds' },
    yes: { kind: 'flag', description: 'with --break-glass: do not ask for the name of the node' },
  },
  async handler(context, { node }, { line, as, ticket, key, breakGlass, to, buildsHome, yes }) {
    if (breakGlass) {
      if (key !== undefined) throw new ResealError('USAGE', '--break-glass asks nobody who could verify a signature: leave --key out.');
      const { breakGlass: restoreHere } = await import('./break-glass.js');
      return restoreHere(context, { nodes: [...new Set(node)], line, ticket, as, to, buildsHome, yes });
    }
    const alone = Object.entries({ to, 'builds-home': buildsHome, yes: yes || undefined }).filter(([, given]) => given !== undefined);
    if (alone.length > 0) throw new ResealError('USAGE', `--${alone.map(([name]) => name).join(' and --')} goes with --break-glass alone.`);
    if (as === undefined) throw new ResealError('USAGE', 'Say who restores, with --as PERSON, by the roster.');
    const api = await ApiClient.find(context);
    const begun = await begin(context, api, [...new Set(node)], { as, ticket, line, key });
    const restores = await Promise.all(begun.map((one) => untilEnded(context, api, one)));
    const view: RestoresView = { schemaVersion: 1, restores };
    context.output.show(view, () => restoreText(view));
    if (restores.some(({ outcome }) => outcome === 'unreachable')) return 3;
    return restores.every(({ outcome }) => outcome === 'done') ? 0 : 1;
  },
});

interface Asked {
  readonly as: string;
  readonly ticket: string;
  readonly line: string | undefined;
  readonly key: string | undefined;
}

/** Signed where the person has a key, line by line; else by name. One by one: what is refused is refused before anything is begun on the nodes after it. */
function begin(
  context: Context,
  api: ApiClient,
  nodes: readonly string[],
  { as, ticket, line, key: named }: Asked,
): Promise<readonly RestoreStandingView[]> {
  return withSigningKey(context, api, as, named, async (key) => {
    const begun: RestoreStandingView[] = [];
    const ask = async (node: string, body: object): Promise<void> => {
      begun.push(...(await api.post<readonly RestoreStandingView[]>(`${pathOf(node)}/restore`, body)));
    };
    for (const node of nodes) await warnOfRevoked(context, api, node, line);
    if (key === null) {
      for (const node of nodes) await ask(node, { by: as, ticket, ...(line === undefined ? {} : { line }) });
      return begun;
    }
    const mandates: Mandate[] = [];
    for (const node of nodes) mandates.push(...(await mandatesOf(context, api, node, { as, ticket, line })));
    for (const signed of await signMandates(context, key, mandates)) await ask(signed.statement.node, signed);
    return begun;
  });
}

/** What is in force is what a node is brought to, also where it cannot sign any more: whoever asks for that knows it. */
async function warnOfRevoked({ output }: Context, api: ApiClient, node: string, only: string | undefined): Promise<void> {
  for (const { line, revoked = [] } of await linesOf(api, node))
    if (only === undefined || line === only)
      for (const what of revoked) output.diagnostic(`Warning: ${node} on ${line} is brought to what is revoked: ${what}`);
}

/** One for each line that the node follows, or for the one that is named. @throws ResealError NOT_FOUND, REFUSED */
async function mandatesOf(
  context: Context,
  api: ApiClient,
  node: string,
  { as, ticket, line: only }: Omit<Asked, 'key'>,
): Promise<readonly Mandate[]> {
  const follows = await linesOf(api, node);
  const lines = follows.filter(({ line }) => only === undefined || line === only);
  if (lines.length === 0) throw new ResealError('NOT_FOUND', `Node ${node} does not follow ${only ?? 'any line'}: it follows ${follows.map(({ line }) => line).join(', ') || 'none'}.`); // prettier-ignore
  return Promise.all(
    lines.map(({ line, manifest }) => {
      if (manifest === null) throw new ResealError('REFUSED', `Line ${line} has no manifest yet. Freeze one with \`reseal manifest freeze --first\`.`); // prettier-ignore
      const deed = { says: 'node-restore', node: node as NodeName, manifest: manifest as Sha256 } as const;
      return draftMandate(context, api, line, { as, ticket }, deed);
    }),
  );
}

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
