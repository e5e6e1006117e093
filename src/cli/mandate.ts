import { ResealError } from '../domain/errors.js';
import { readMandate, type Deed, type Mandate, type SignedMandate } from '../domain/mandate.js';
import { mandateText } from '../presenters/mandate-text.js';
import type { NodeExpectedView } from '../presenters/node-expected.js';
import type { TermsView } from '../presenters/statement.js';
import { signStatement } from '../statement/person.js';
import type { ApiClient } from './api-client.js';
import type { Context } from './command.js';
import { saidNow, type Said } from './said.js';
import { mustConsent } from './signing-key.js';

/** The lines that a node follows, with what is in force on each. @throws ResealError DIGEST_MISMATCH where another node is shown */
export async function linesOf(api: ApiClient, node: string): Promise<NodeExpectedView['lines']> {
  const shown = await api.get<NodeExpectedView>(`/v1/nodes/${encodeURIComponent(node)}/expected`);
  if (shown.node === node) return shown.lines;
  throw new ResealError('DIGEST_MISMATCH', `Asked for ${node}, the control API shows ${shown.node}. Nothing was signed; find out who answers there.`); // prettier-ignore
}

/** What a person signs to have it done, for one line. What is signed is what the other side reads. @throws ResealError USAGE, DIGEST_MISMATCH */
export async function draftMandate({ now }: Context, api: ApiClient, line: string, said: Said, deed: Deed): Promise<Mandate> {
  const terms = await api.get<TermsView>(`/v1/lines/${encodeURIComponent(line)}/terms`);
  if (terms.line !== line)
    throw new ResealError('DIGEST_MISMATCH', `Asked of ${line}, the control API answers for ${terms.line}. Nothing was signed; find out who answers there.`); // prettier-ignore
  const read = readMandate({
    ...{ ...saidNow(said, now()), installation: terms.installation, mode: 'production', line },
    ...deed,
  });
  if (read.kind === 'mandate') return read.mandate;
  throw new ResealError('USAGE', `This cannot be signed: ${read.reason}.`);
}

/** Shows mandates in words, asks whoever sits there once, and signs each. @throws ResealError REFUSED where they say no */
export async function signMandates(context: Context, key: string, mandates: readonly Mandate[]): Promise<readonly SignedMandate[]> {
  await mustConsent(context, inWords(context, key, mandates));
  const signed: SignedMandate[] = [];
  for (const statement of mandates) signed.push(await sign(context, key, statement));
  return signed;
}

/** The same of one. @throws ResealError REFUSED */
export async function signMandate(context: Context, key: string, mandate: Mandate): Promise<SignedMandate> {
  await mustConsent(context, inWords(context, key, [mandate]));
  return sign(context, key, mandate);
}

const inWords = ({ output, now }: Context, key: string, mandates: readonly Mandate[]): readonly string[] =>
  mandates.flatMap((one) => mandateText(one, key, output, now()));

const sign = async ({ env }: Context, key: string, statement: Mandate): Promise<SignedMandate> => ({
  statement,
  signature: await signStatement(statement, key, env),
});
