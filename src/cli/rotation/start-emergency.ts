import { ResealError } from '../../domain/errors.js';
import { SHORTEST_SERIAL, type RevocationStatement } from '../../domain/revocations.js';
import { isNamed, type RevokedCertificate } from '../../domain/revoked-certificate.js';
import { impactText } from '../../presenters/impact-text.js';
import type { ImpactView } from '../../presenters/impact.js';
import { revocationStatementText } from '../../presenters/revocation-text.js';
import type { RevocationRecordedView, RevocationsView } from '../../presenters/revocation.js';
import type { RotationView } from '../../presenters/rotation.js';
import { statementText } from '../../presenters/statement-text.js';
import type { TermsView } from '../../presenters/statement.js';
import { signStatement } from '../../statement/person.js';
import type { ApiClient } from '../api-client.js';
import type { Context } from '../command.js';
import { mustConsent, withSigningKey } from '../signing-key.js';
import { saidNow } from '../said.js';
import { draftRevocation } from '../revoke/draft.js';
import { draftEmergency } from './draft.js';
import type { Speaker } from './tell.js';
import { termsFor } from './terms.js';

interface Asked {
  /** As the person names it. */
  readonly revoked: string;
  readonly successors: readonly string[];
}

/**
 * Asks for an emergency: what falls with the certificate and what is signed are shown, and the revocation is recorded with it, so that nothing else goes
 * back to it either.
 * @throws ResealError NOT_FOUND where nothing on the line signs with it; DIGEST_MISMATCH where another one is answered for
 */
export function startEmergency(context: Context, api: ApiClient, line: string, said: Speaker, asked: Asked): Promise<RotationView> {
  return withSigningKey(context, api, said.as, said.key, async (key) => {
    const terms = await termsFor(api, line, `?${new URLSearchParams({ revoked: asked.revoked }).toString()}`);
    const of = certificateIn(terms, asked.revoked);
    const affected = await api.get<ImpactView>(`/v1/impact?${new URLSearchParams({ certificate: of.certificate }).toString()}`);
    const now = context.now();
    const statement = draftEmergency(terms, said, { revoked: of.serial, successors: asked.successors }, now);
    const revocation = await revocationOf(api, of, said, `emergency on ${line}`, now);
    const { output } = context;
    const shown = [
      // What is to be done next is what is being signed.
      ...impactText({ ...affected, next: [] }, output, now),
      ...(key === null ? [] : ['', ...statementText(statement, key, output, now)]),
      ...(revocation === null ? [] : ['', ...revocationStatementText(revocation, key, output, now)]),
    ];
    await mustConsent(context, shown);
    const view = await api.post<RotationView>(
      '/v1/rotations',
      key === null
        ? { ...{ line, by: said.as, ticket: said.ticket, revoked: of.serial }, ...chosen(asked) }
        : { statement, signature: await signStatement(statement, key, context.env) },
    );
    if (revocation !== null) {
      const signature = key === null ? null : await signStatement(revocation, key, context.env);
      await record(context, api, { statement: revocation, signature });
    }
    return view;
  });
}

const chosen = ({ successors }: Asked): object => (successors.length === 0 ? {} : { successors });

function certificateIn({ revoked }: TermsView, text: string): RevokedCertificate {
  if (revoked !== undefined && isNamed(revoked, text)) return revoked;
  throw new ResealError(
    'DIGEST_MISMATCH',
    `Asked for the certificate ${text}, the control API answers with ${revoked?.certificate ?? 'none'}. Nothing was signed; find out who answers there.`,
  );
}

/** What is recorded of it; null: it is recorded as revoked already. */
async function revocationOf(
  api: ApiClient,
  { certificate, serial }: RevokedCertificate,
  said: Speaker,
  reason: string,
  now: number,
): Promise<RevocationStatement | null> {
  const { installation, certificates } = await api.get<RevocationsView>('/v1/revocations');
  if (certificates.some((one) => one.certificate === certificate && one.standing === 'revoked')) return null;
  return draftRevocation({
    ...saidNow(said, now),
    says: 'revocation-record',
    ...{ installation, certificate, serial: serial.padStart(SHORTEST_SERIAL, '0'), reason },
    ...{ revokedAt: new Date(now).toISOString(), source: 'person' },
  });
}

/** A store that is away keeps no emergency from beginning: the word is given again. */
async function record(
  { output }: Context,
  api: ApiClient,
  given: { statement: RevocationStatement; signature: string | null },
): Promise<void> {
  try {
    const { missing } = await api.post<RevocationRecordedView>('/v1/revocations', given);
    for (const { store, reason } of missing) output.diagnostic(`The store ${store} has not got the revocation: ${reason}.`);
  } catch (error) {
    if (!(error instanceof ResealError)) throw error;
    const { certificate, person, ticket } = given.statement;
    output.diagnostic(
      `The emergency has begun, and that the certificate is revoked was not recorded: ${error.message} Say it again: reseal revoke record ${certificate ?? ''} --reason TEXT --as ${person} --ticket ${ticket}`,
    );
  }
}
