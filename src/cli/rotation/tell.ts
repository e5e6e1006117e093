import type { CommandName } from '../../domain/rotation/commands.js';
import { changesText, rotationText } from '../../presenters/rotation-text.js';
import type { RotationView } from '../../presenters/rotation.js';
import { ApiClient } from '../api-client.js';
import type { Context } from '../command.js';

/** What every command to a rotation is given. */
export const ARGUMENTS = { id: { kind: 'text', description: 'Rotation, as ios-main-7', required: true } } as const;
export const SAID = {
  as: { kind: 'text', description: 'The person who says it, by the roster', required: true, value: 'PERSON' },
  ticket: { kind: 'text', description: 'Ticket id', required: true, value: 'TICKET' },
} as const;
export const REASON = { reason: { kind: 'text', description: 'Why; kept on the record', value: 'TEXT' } } as const;

export const pathOf = (id: string, rest = ''): string => `/v1/rotations/${encodeURIComponent(id)}${rest}`;

/** Sends a command and shows the rotation as it is then. */
export async function tell(
  context: Context,
  id: string,
  command: CommandName,
  said: { readonly as: string; readonly ticket: string },
  more: object = {},
): Promise<void> {
  const api = await ApiClient.find(context);
  const view = await api.post<RotationView>(pathOf(id, `/${command}`), { by: said.as, ticket: said.ticket, ...more });
  context.output.show(view, () => rotationText(view, context.output, context.now()));
}

/** Shows what is approved, in words, before it is said. */
export async function showBeforeDeciding(context: Context, api: ApiClient, id: string): Promise<RotationView> {
  const view = await api.get<RotationView>(pathOf(id));
  if (!context.output.json && view.changes !== null && view.rotation.outcome === null) {
    const { rotation } = view;
    context.output.diagnostic(
      [
        `${rotation.id}: manifest ${rotation.from ?? '-'}`,
        `     -> manifest ${rotation.to ?? '-'}`,
        `under ${rotation.trigger.ticket}, asked for by ${rotation.trigger.by}, on ${rotation.nodes} nodes`,
        ...changesText(view.changes, context.output),
      ].join('\n'),
    );
  }
  return view;
}
