import { isSha1, type Sha1 } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import { givenDate } from '../../domain/given-date.js';
import { SHORTEST_SERIAL, type GivenRevocation, type NamedCertificate } from '../../domain/revocations.js';
import { impactText } from '../../presenters/impact-text.js';
import type { ImpactView } from '../../presenters/impact.js';
import { revocationRecordedText, revocationStatementText } from '../../presenters/revocation-text.js';
import type { RevocationRecordedView, RevocationsView } from '../../presenters/revocation.js';
import { signStatement } from '../../statement/person.js';
import { ApiClient } from '../api-client.js';
import { defineCommand, type Context } from '../command.js';
import { refuseControlCharacters, saidNow } from '../said.js';
import { KEY_OPTION, mustConsent, withSigningKey } from '../signing-key.js';
import { draftRevocation } from './draft.js';

const PATH = '/v1/revocations';

export const command = defineCommand({
  description:
    'Record that Apple has revoked a certificate, after showing what falls with it: nothing goes back to it then; reseal itself never revokes',
  arguments: {
    certificate: {
      kind: 'text',
      required: true,
      description: 'SHA-1 of the certificate, or its serial number (the last 6 digits or more of one in use)',
    },
  },
  options: {
    reason: { kind: 'text', required: true, value: 'TEXT', description: 'why it was revoked, or why it is said so' },
    as: { kind: 'text', required: true, value: 'PERSON', description: 'who says it, by the roster (start-emergency)' },
    ticket: { kind: 'text', required: true, value: 'TICKET', description: 'the change that this belongs to' },
    ...KEY_OPTION,
    since: { kind: 'text', value: 'DATE', description: 'when it was revoked (default: now)' },
    source: { kind: 'text', value: 'TEXT', description: 'where it is known from, as app-store-connect or a node (default: person)' },
    mistaken: { kind: 'flag', description: 'What was recorded of it so far was a mistake: it is not revoked' },
  },
  async handler(context, { certificate: text }, { reason, as, ticket, key: named, since, source, mistaken }) {
    refuseControlCharacters({ as, ticket, reason, ...(source === undefined ? {} : { source }) });
    if (mistaken && (since ?? source) !== undefined)
      throw new ResealError(
        'USAGE',
        '--since and --source say of a revocation when it was and how it is known; with --mistaken there is none.',
      );
    const api = await ApiClient.find(context);
    const recorded = await withSigningKey(context, api, as, named, async (key) => {
      const affected = await impactOf(api, text);
      const of = certificateOf(text, affected);
      const { installation } = await api.get<RevocationsView>(PATH);
      const what = mistaken
        ? { says: 'revocation-mistake' as const }
        : {
            says: 'revocation-record' as const,
            revokedAt: new Date(since === undefined ? context.now() : givenDate(since)).toISOString(),
            source: source ?? 'person',
          };
      const statement = draftRevocation({
        ...saidNow({ as, ticket }, context.now()),
        installation,
        certificate: of.sha1,
        serial: of.serial,
        reason,
        ...what,
      });
      await mustConsent(context, [
        ...(affected === null
          ? ['no manifest in force or accepted names it']
          : impactText({ ...affected, next: [] }, context.output, context.now())),
        '',
        ...revocationStatementText(statement, key, context.output, context.now()),
      ]);
      const signature = key === null ? null : await signStatement(statement, key, context.env);
      return api.post<RevocationRecordedView>(PATH, { statement, signature } satisfies GivenRevocation);
    });
    show(context, recorded);
  },
});

const show = ({ output, now }: Context, view: RevocationRecordedView): void =>
  output.show(view, () => revocationRecordedText(view, output, now()));

/** What falls with it; null where no manifest that anybody knows names it. */
async function impactOf(api: ApiClient, text: string): Promise<ImpactView | null> {
  try {
    return await api.get<ImpactView>(`/v1/impact?${new URLSearchParams({ certificate: text }).toString()}`);
  } catch (error) {
    if (error instanceof ResealError && error.code === 'NOT_FOUND') return null;
    throw error;
  }
}

/**
 * What is signed is what was named: of a serial number, the certificate that the control API has found for it.
 * @throws ResealError DIGEST_MISMATCH where it shows another one; NOT_FOUND where only some digits of an unknown serial number are there
 */
function certificateOf(text: string, affected: ImpactView | null): NamedCertificate {
  const plain = text.replaceAll(/[:\s]/g, '').toLowerCase();
  const whole = plain.length >= SHORTEST_SERIAL && !isSha1(plain) ? plain.toUpperCase() : null;
  if (affected === null) {
    if (whole !== null) return { sha1: null, serial: whole };
    throw new ResealError('NOT_FOUND', `No manifest in force or accepted names a certificate whose serial number ends in ${plain}. Name it by its SHA-1, or by its whole serial number.`); // prettier-ignore
  }
  const { kind, id, serialLast6 } = affected.of;
  const fits = isSha1(plain) ? id === plain : serialLast6?.toLowerCase() === plain.slice(-6);
  if (kind !== 'certificate' || !fits)
    throw new ResealError('DIGEST_MISMATCH', `Asked for ${text}, the control API shows ${kind} ${id}. Nothing was signed; find out who answers there.`); // prettier-ignore
  return { sha1: id as Sha1, serial: whole };
}
