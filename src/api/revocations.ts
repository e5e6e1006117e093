import { randomUUID } from 'node:crypto';
import { scheduleAuthority } from '../../activities/mandates/schedule.js';
import type { RevocationKept } from '../../activities/revocations/contract.js';
import { mustBeRecordable } from '../../activities/revocations/judge.js';
import { revocationsEverywhere } from '../../activities/revocations/known.js';
import { situationOf } from '../../activities/rotation/surroundings.js';
import type { LineName, Sha1 } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import { isAbout, readRevocation, type GivenRevocation } from '../domain/revocations.js';
import { parseManifest } from '../manifest/parse.js';
import {
  revokedCertificates,
  type CertificateInForce,
  type RevocationRecordedView,
  type RevocationsView,
} from '../presenters/revocation.js';
import { refusalOf } from './errors.js';
import type { RotationDesk } from './rotations.js';

/** As far as the stores can be read; which of them cannot, it says. */
export async function showRevocations({ around }: RotationDesk): Promise<RevocationsView> {
  const configuration = around.configuration();
  const { revocations, unreadable, away } = await revocationsEverywhere(around);
  const { installation, assurance } = scheduleAuthority(configuration, null);
  const lines = Object.keys(configuration.topology.lines) as LineName[];
  const inForce = revocations.length === 0 ? [] : await certificatesInForce(around, lines);
  return { schemaVersion: 1, installation, assurance, certificates: revokedCertificates(revocations, inForce), unreadable, away };
}

/** Those of the manifests in force; of a line whose store is away none. */
async function certificatesInForce(around: RotationDesk['around'], lines: readonly LineName[]): Promise<readonly CertificateInForce[]> {
  const found = new Map<Sha1, CertificateInForce>();
  for (const line of lines) {
    const { store } = situationOf(around, line);
    const head = await store.head(line).catch(unlessReseal);
    const bytes = head === null ? null : await store.manifest(head.digest).catch(unlessReseal);
    if (head === null || bytes === null) continue;
    for (const [sha1, { serial, commonName: name }] of Object.entries(parseManifest(bytes, `manifests/${head.digest}.json`).certificates)) {
      const before = found.get(sha1 as Sha1)?.lines ?? [];
      found.set(sha1 as Sha1, { sha1: sha1 as Sha1, serial, name, lines: [...before, line] });
    }
  }
  return [...found.values()];
}

function unlessReseal(error: unknown): null {
  if (error instanceof ResealError) return null;
  throw error;
}

/**
 * Takes a person's word about a revocation into the stores of all lines.
 * @throws ResealError STATEMENT_REFUSED, SIGNATURE_NEEDED, SIGNATURE_REFUSED, NOT_ENTITLED, WRONG_TICKET, STORE_UNREACHABLE, REFUSED
 */
export async function recordRevocation(
  desk: RotationDesk,
  given: { readonly statement: unknown; readonly signature: string | null },
): Promise<RevocationRecordedView> {
  const read = readRevocation(given.statement);
  if (read.kind === 'none') throw new ResealError('STATEMENT_REFUSED', `No statement can be read here: ${read.reason}.`);
  const { statement } = read;
  const said: GivenRevocation = { statement, signature: given.signature };
  mustBeRecordable(desk.around.configuration(), said, Date.now());
  const { person, ticket, says, certificate, serial } = statement;
  const kept = (await desk.client.workflow
    .execute('revocationRecord', {
      workflowId: `revocation/${(certificate ?? serial ?? '').slice(0, 8).toLowerCase()}/${randomUUID().slice(0, 8)}`,
      taskQueue: desk.taskQueue,
      args: [said],
      staticSummary: `${says} ${(certificate ?? serial ?? '').slice(0, 8)} (${person}, ${ticket})`,
    })
    .catch((error: unknown) => {
      throw refusalOf(error);
    })) as RevocationKept;
  const { certificates } = await showRevocations(desk);
  const shown = certificates.find(
    (one) => isAbout(statement, { sha1: one.certificate, serial }) && one.said.some(({ at }) => at === statement.issuedAt),
  );
  if (shown === undefined) throw new ResealError('INTERNAL', 'What was recorded is in no store.');
  return { schemaVersion: 1, certificate: shown, keptIn: kept.keptIn, missing: kept.missing };
}
