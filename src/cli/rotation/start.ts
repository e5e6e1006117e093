import { ResealError } from '../../domain/errors.js';
import { rotationText } from '../../presenters/rotation-text.js';
import type { RotationView } from '../../presenters/rotation.js';
import { statementText } from '../../presenters/statement-text.js';
import { signStatement } from '../../statement/person.js';
import { ApiClient } from '../api-client.js';
import { defineCommand, type Context } from '../command.js';
import { withSigningKey } from '../signing-key.js';
import { draftAdoption, draftStart, type Start } from './draft.js';
import { follow } from './follow.js';
import { startEmergency } from './start-emergency.js';
import { mustShow, pathOf, SAID, type Speaker } from './tell.js';
import { termsFor } from './terms.js';

export const command = defineCommand({
  description: 'Start a rotation of a line with all that is due on it, or at once with all that signs with a revoked certificate',
  arguments: {},
  options: {
    line: { kind: 'text', description: 'Line of topology.yaml; not needed with --adopt', value: 'LINE' },
    ...SAID,
    adopt: { kind: 'text', description: 'Go on with this rotation, whose workflow has ended without an outcome', value: 'ID' },
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
  async handler(context, _, { line, adopt: orphan, successor, at, after, emergency, revoked, follow: stays, ...said }) {
    const asked = { successors: successor, at, after };
    const what = whatIsAsked(line, orphan, emergency, revoked, asked);
    const api = await ApiClient.find(context);
    const view = await begin(context, api, what, said, asked);
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

type Asked =
  | { readonly do: 'start'; readonly line: string }
  | { readonly do: 'emergency'; readonly line: string; readonly revoked: string }
  | { readonly do: 'adopt'; readonly id: string };

function begin(context: Context, api: ApiClient, what: Asked, said: Speaker, asked: Start): Promise<RotationView> {
  switch (what.do) {
    case 'adopt':
      return adopt(context, api, what.id, said);
    case 'emergency':
      return startEmergency(context, api, what.line, said, { revoked: what.revoked, successors: asked.successors });
    case 'start':
      return start(context, api, what.line, said, asked);
  }
}

/** @throws ResealError USAGE */
function whatIsAsked(
  line: string | undefined,
  orphan: string | undefined,
  emergency: boolean,
  revoked: string | undefined,
  { successors, at, after }: Start,
): Asked {
  if (emergency !== (revoked !== undefined))
    throw new ResealError('USAGE', 'An emergency names what was revoked: --emergency and --revoked SERIAL go together.');
  if (emergency && (at ?? after) !== undefined)
    throw new ResealError('USAGE', 'An emergency is of today, and follows whatever ended before it: it takes neither --at nor --after.');
  if (orphan === undefined) {
    if (line !== undefined) return revoked === undefined ? { do: 'start', line } : { do: 'emergency', line, revoked };
    throw new ResealError('USAGE', 'Name the line to rotate (--line LINE), or the orphaned rotation to go on with (--adopt ID).');
  }
  if (successors.length > 0 || (at ?? after ?? revoked) !== undefined)
    throw new ResealError(
      'USAGE',
      '--adopt goes on with what was chosen when the rotation began: give it without --successor, --at, --after and --emergency.',
    );
  if (line !== undefined && !orphan.startsWith(`${line}-`))
    throw new ResealError('USAGE', `${orphan} is no rotation of ${line}. --adopt needs no --line.`);
  return { do: 'adopt', id: orphan };
}

/** Has an orphaned rotation go on, signed as a start is. */
function adopt(context: Context, api: ApiClient, id: string, said: Speaker): Promise<RotationView> {
  return withSigningKey(context, api, said.as, said.key, async (key) => {
    const path = pathOf(id, '/adopt');
    if (key === null) return api.post<RotationView>(path, { by: said.as, ticket: said.ticket });
    const view = await api.get<RotationView>(pathOf(id));
    mustShow(view, id);
    const statement = draftAdoption(view, said, context.now());
    if (!context.output.json) context.output.diagnostic(statementText(statement, key, context.output, context.now()).join('\n'));
    const signature = await signStatement(statement, key, context.env);
    return api.post<RotationView>(path, { statement, signature });
  });
}
