import { ResealError } from '../../domain/errors.js';
import type { CommandName } from '../../domain/rotation/commands.js';
import { approves, type CommandStatement } from '../../domain/rotation/statement.js';
import { changesText, rotationText, uncountedText } from '../../presenters/rotation-text.js';
import type { ChangeView, RotationView } from '../../presenters/rotation.js';
import { canaryText, statementText } from '../../presenters/statement-text.js';
import { signStatement } from '../../statement/person.js';
import { ApiClient } from '../api-client.js';
import type { Context } from '../command.js';
import { KEY_OPTION, withSigningKey } from '../signing-key.js';
import { boundBy, draftCommand, type More } from './draft.js';
import type { Said } from '../said.js';
import { whatIsSigned } from './what-is-shown.js';

/** What every command to a rotation is given. */
export const ARGUMENTS = { id: { kind: 'text', description: 'Rotation, as ios-main-7', required: true } } as const;
export const SAID = {
  as: { kind: 'text', description: 'The person who says it, by the roster', required: true, value: 'PERSON' },
  ticket: { kind: 'text', description: 'Ticket id', required: true, value: 'TICKET' },
  ...KEY_OPTION,
} as const;
export const REASON = { reason: { kind: 'text', description: 'Why; kept on the record', value: 'TEXT' } } as const;

/** What the API says stands on one line, and steers no terminal. */
const plain = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd');

export const pathOf = (id: string, rest = ''): string => `/v1/rotations/${encodeURIComponent(id)}${rest}`;

export interface Speaker extends Said {
  readonly key: string | undefined;
}

/** Sends a command, signed where the person has a key, and shows the rotation as it is then. */
export async function tell(context: Context, id: string, command: CommandName, said: Speaker, more: More = {}): Promise<void> {
  const api = await ApiClient.find(context);
  const view = await say(context, api, id, command, said, more);
  context.output.show(view, () => rotationText(view, context.output, context.now()));
}

/** Sends a command: a statement that is shown in words and signed, or where the person has no key, their name. */
export function say(
  context: Context,
  api: ApiClient,
  id: string,
  command: CommandName,
  said: Speaker,
  more: More & { readonly digest?: string } = {},
): Promise<RotationView> {
  return withSigningKey(context, api, said.as, said.key, async (key) => {
    if (key === null) {
      if (command === 'approve') {
        await showBeforeDeciding(context, api, id);
        await mustConsent(context, 'Approve this?', 'approved');
      }
      return api.post<RotationView>(pathOf(id, `/${command}`), { by: said.as, ticket: said.ticket, ...more });
    }
    const view = await api.get<RotationView>(pathOf(id));
    mustShow(view, id);
    const statement = draftCommand(command, view, said, more, context.now());
    const bound = boundBy(statement);
    if (more.digest !== undefined && bound?.to !== more.digest)
      throw new ResealError(
        'WRONG_DIGEST',
        `What is to be signed is ${bound?.to ?? 'nothing'}, not ${more.digest}. Nothing was signed; look again.`,
      );
    await showWhatIsSigned(context, api, view, statement, key);
    // Who stops a rotation at night is asked nothing.
    if (approves(statement)) await mustConsent(context, 'Sign this?', 'signed');
    const signature = await signStatement(statement, key, context.env);
    return api.post<RotationView>(pathOf(id, `/${command}`), { statement, signature });
  });
}

/** Whoever signs has the rotation before their eyes that they named. @throws ResealError DIGEST_MISMATCH */
export function mustShow({ rotation }: RotationView, id: string): void {
  if (rotation.id === id && id === `${rotation.line}-${rotation.number}`) return;
  throw new ResealError(
    'DIGEST_MISMATCH',
    `Asked for ${id}, the control API shows ${rotation.id}. Nothing was signed; find out who answers there.`,
  );
}

/** What is shown is looked at before it is said: whoever sits at a terminal says yes. @throws ResealError REFUSED */
async function mustConsent(context: Context, question: string, done: string): Promise<void> {
  if ((await context.consent(question)) === 'no') throw new ResealError('REFUSED', `Nothing was ${done}.`);
}

async function showWhatIsSigned(
  { output, now }: Context,
  api: ApiClient,
  view: RotationView,
  statement: CommandStatement,
  key: string,
): Promise<void> {
  const binds = boundBy(statement);
  // What is bound is verified whether somebody reads it or a program does.
  const changes = binds === null ? null : await whatIsSigned(api, view, binds).catch((error: unknown) => unlessHarmless(statement, error));
  if (output.json) return;
  const { canary } = view.rotation.gate;
  output.diagnostic(
    [
      ...(changes === null
        ? []
        : [
            ...whatItReplaces(view, binds ?? view.rotation, changes, output),
            ...(canary === null ? [] : canaryText(canary, output, now())),
            '',
          ]),
      ...statementText(statement, key, output, now()),
    ].join('\n'),
  );
}

/** Who rejects need not see what: a store that is away, or a file that somebody has broken, keeps nobody from stopping a rotation. */
function unlessHarmless(statement: CommandStatement, error: unknown): null {
  if (approves(statement) || !(error instanceof ResealError) || error.code === 'DIGEST_MISMATCH') throw error;
  return null;
}

const whatItReplaces = (
  { rotation }: RotationView,
  { from, to }: { readonly from: string | null; readonly to: string | null },
  changes: readonly ChangeView[],
  output: Context['output'],
): string[] => [
  `${rotation.id}: manifest ${from ?? '-'}`,
  `     -> manifest ${to ?? '-'}`,
  `under ${plain(rotation.trigger.ticket)}, asked for by ${plain(rotation.trigger.by)}, on ${rotation.nodes} nodes`,
  ...uncountedText(rotation).map(plain),
  ...changesText(changes, output),
];

/** Shows what is approved, in words, before it is said by name. */
async function showBeforeDeciding({ output }: Context, api: ApiClient, id: string): Promise<void> {
  if (output.json) return;
  const view = await api.get<RotationView>(pathOf(id));
  if (view.changes !== null && view.rotation.outcome === null)
    output.diagnostic(whatItReplaces(view, view.rotation, view.changes, output).join('\n'));
}
