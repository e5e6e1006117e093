import { ResealError } from '../../domain/errors.js';
import { rotationText } from '../../presenters/rotation-text.js';
import type { RotationView } from '../../presenters/rotation.js';
import { statementText } from '../../presenters/statement-text.js';
import { signStatement } from '../../statement/person.js';
import { ApiClient } from '../api-client.js';
import { defineCommand, type Context } from '../command.js';
import { withSigningKey } from '../signing-key.js';
import { draftStart, type Start } from './draft.js';
import { follow } from './follow.js';
import { startEmergency } from './start-emergency.js';
import { SAID, type Speaker } from './tell.js';
import { termsFor } from './terms.js';

export const command = defineCommand({
  description: 'Start a rotation of a line with all that is due on it, or at once with all that signs with a revoked certificate',
  arguments: {},
  options: {
    line: { kind: 'text', description: 'Line of topology.yaml', required: true, value: 'LINE' },
    ...SAID,
    successor: { kind: 'list', description: 'Choose these successors where more than one fits', value: 'UUID' },
    at: { kind: 'text', description: 'Compare expiries with this date; simulated and staging nodes only', value: 'DATE' },
    after: { kind: 'text', description: 'Try the same successors again after this unsuccessful rotation', value: 'ID' },
    emergency: { kind: 'flag', description: 'Replace what was revoked: forward only, once two persons have approved; with --revoked' },
    revoked: {
      kind: 'text',
      description: 'Serial number of the revoked certificate (its last 6 digits or more), or its SHA-1',
      value: 'SERIAL',
    },
    follow: { kind: 'flag', description: 'Stay and print what happens until it ends' },
  },
  async handler(context, _, { line, successor, at, after, emergency, revoked, follow: stays, ...said }) {
    if (emergency !== (revoked !== undefined))
      throw new ResealError('USAGE', 'An emergency names what was revoked: --emergency and --revoked SERIAL go together.');
    if (emergency && (at ?? after) !== undefined)
      throw new ResealError('USAGE', 'An emergency is of today, and follows whatever ended before it: it takes neither --at nor --after.');
    const api = await ApiClient.find(context);
    const view = await (revoked === undefined
      ? start(context, api, line, said, { successors: successor, at, after })
      : startEmergency(context, api, line, said, { revoked, successors: successor }));
    if (stays) return follow(context, api, view.rotation.id);
    context.output.show(view, () => [
      ...rotationText(view, context.output, context.now()),
      '',
      `Follow it: reseal rotation watch ${view.rotation.id}`,
    ]);
    return 0;
  },
});

/** Asks for a rotation: by a statement that is shown in words and signed, or where the person has no key, by name. */
function start(context: Context, api: ApiClient, line: string, said: Speaker, asked: Start): Promise<RotationView> {
  return withSigningKey(context, api, said.as, said.key, async (key) => {
    if (key === null) {
      return api.post<RotationView>('/v1/rotations', {
        ...{ line, by: said.as, ticket: said.ticket },
        ...(asked.successors.length === 0 ? {} : { successors: asked.successors }),
        ...(asked.at === undefined ? {} : { at: asked.at }),
        ...(asked.after === undefined ? {} : { after: asked.after }),
      });
    }
    const terms = await termsFor(api, line);
    const statement = draftStart(terms, said, asked, context.now());
    if (!context.output.json) context.output.diagnostic(statementText(statement, key, context.output, context.now()).join('\n'));
    const signature = await signStatement(statement, key, context.env);
    return api.post<RotationView>('/v1/rotations', { statement, signature });
  });
}
