import type { NodeListView, NodeView } from '../../presenters/node.js';
import { ApiClient } from '../api-client.js';
import type { Context, ExitCode } from '../command.js';

/** Reads node truth now, of all these nodes side by side, in the order in which they were named. */
export async function readNodes(
  context: Context,
  names: readonly string[],
  at: string | undefined,
  checks: 'all' | 'problems' = 'problems',
): Promise<readonly NodeView[]> {
  const api = await ApiClient.find(context);
  const asked = new URLSearchParams({ ...(at === undefined ? {} : { at }), ...(checks === 'all' ? { checks } : {}) }).toString();
  const query = asked === '' ? '' : `?${asked}`;
  const views = await Promise.all(names.map((name) => api.get<NodeListView>(`/v1/nodes/${encodeURIComponent(name)}${query}`)));
  return views.flatMap((view) => view.nodes);
}

/** 3 where a node could not be reached, 1 where a check did not pass. */
export function exitCodeOf(nodes: readonly NodeView[]): ExitCode {
  const lines = nodes.flatMap((one) => one.lines);
  if (lines.some((line) => line.verdict === 'unreachable')) return 3;
  return lines.every((line) => line.verdict === 'pass') ? 0 : 1;
}
