import type { Instant, LineName, Sha1 } from '../domain/brands.js';
import { serialLast6 } from '../domain/serial.js';
import { isAbout, revocationStanding, type NamedCertificate, type Revocation, type RevocationStanding } from '../domain/revocations.js';

/** One certificate of which something was recorded. No full serial number (S8). */
export interface RevokedCertificateView {
  readonly certificate: Sha1 | null;
  readonly serialLast6: string | null;
  readonly name: string | null;
  /** `claimed`: recorded by nobody who is known to have done it. */
  readonly standing: RevocationStanding['kind'];
  /** ISO 8601, UTC; null where it is not revoked. */
  readonly revokedAt: string | null;
  /** Lines whose manifest in force signs with it, or embeds it. */
  readonly inForceOn: readonly LineName[];
  /** Everything that was said of it, the first first. */
  readonly said: readonly {
    readonly says: 'revoked' | 'mistaken';
    readonly by: string;
    readonly ticket: string;
    readonly at: string;
    readonly reason: string;
    /** Null of a mistake. */
    readonly source: string | null;
    /** Null: it is proven, or counts as it is. */
    readonly lacks: string | null;
  }[];
}

/** What `reseal revoke list` prints. */
export interface RevocationsView {
  readonly schemaVersion: 1;
  readonly installation: string;
  /** `name`: every node is simulated, and names count. */
  readonly assurance: 'name' | 'signature';
  readonly certificates: readonly RevokedCertificateView[];
  /** Of what is kept in a store and is no word about a revocation at all. */
  readonly unreadable: readonly string[];
  /** Stores that could not be read: what they alone keep is not here. */
  readonly away: readonly string[];
}

/** A certificate of a manifest, with the lines on which it is in force. */
export interface CertificateInForce extends NamedCertificate {
  readonly sha1: Sha1;
  readonly serial: string;
  readonly name: string;
  readonly lines: readonly LineName[];
}

export function revokedCertificates(
  revocations: readonly Revocation[],
  inForce: readonly CertificateInForce[],
): readonly RevokedCertificateView[] {
  const named: NamedCertificate[] = [];
  for (const { statement } of revocations)
    if (!named.some((one) => isAbout(statement, one))) named.push(wholeName(statement.certificate, statement.serial, inForce));
  return named.map((one): RevokedCertificateView => {
    const standing = revocationStanding(revocations, one);
    const known = inForce.find(({ sha1 }) => sha1 === one.sha1);
    return {
      certificate: one.sha1,
      serialLast6: one.serial === null ? null : serialLast6(one.serial),
      name: known?.name ?? null,
      standing: standing.kind,
      revokedAt: standing.kind === 'not-revoked' ? null : iso(standing.since),
      inForceOn: known?.lines ?? [],
      said: revocations.filter(({ statement }) => isAbout(statement, one)).map(saidOf),
    };
  });
}

/** What is said of a serial number alone is of the certificate in force that has it. */
function wholeName(sha1: Sha1 | null, serial: string | null, inForce: readonly CertificateInForce[]): NamedCertificate {
  const known = inForce.find((one) => (sha1 === null ? one.serial === serial : one.sha1 === sha1));
  return { sha1: sha1 ?? known?.sha1 ?? null, serial: serial ?? known?.serial ?? null };
}

const iso = (at: Instant): string => new Date(at).toISOString();

const saidOf = ({ statement, lacks }: Revocation): RevokedCertificateView['said'][number] => ({
  says: statement.says === 'revocation-record' ? 'revoked' : 'mistaken',
  by: statement.person,
  ticket: statement.ticket,
  at: statement.issuedAt,
  reason: statement.reason,
  source: statement.says === 'revocation-record' ? statement.source : null,
  lacks,
});

/** What `reseal revoke record` prints. */
export interface RevocationRecordedView {
  readonly schemaVersion: 1;
  readonly certificate: RevokedCertificateView;
  /** Names of stores. */
  readonly keptIn: readonly string[];
  readonly missing: readonly { readonly store: string; readonly reason: string }[];
}
