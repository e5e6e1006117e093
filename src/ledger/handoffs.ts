import type { Kysely } from 'kysely';
import type { Instant, LineName, Sha256 } from '../domain/brands.js';
import type { Tables } from './tables.js';

/** A handoff that was registered: a build in flight after it has left its node. */
export interface RegisteredHandoff {
  /** SHA-256 of the envelope's canonical form. */
  readonly digest: Sha256;
  readonly line: LineName;
  readonly manifest: Sha256;
  readonly pipeline: string;
  readonly job: string;
  readonly bundles: readonly string[];
  readonly artifact: Sha256;
  readonly issuedAt: Instant;
  readonly expiresAt: Instant;
}

/** Idempotent by digest. */
export async function registerHandoff(db: Kysely<Tables>, handoff: RegisteredHandoff): Promise<void> {
  await db
    .insertInto('handoff')
    .values({
      digest: handoff.digest,
      line: handoff.line,
      manifest: handoff.manifest,
      pipeline: handoff.pipeline,
      job: handoff.job,
      bundles: JSON.stringify(handoff.bundles),
      artifact: handoff.artifact,
      issued_at: new Date(handoff.issuedAt),
      expires_at: new Date(handoff.expiresAt),
      registered_at: new Date(),
    })
    .onConflict((conflict) => conflict.column('digest').doNothing())
    .execute();
}

/** Those that have not expired at `now`, the first to expire first. */
export async function openHandoffs(db: Kysely<Tables>, now: Instant, line?: string): Promise<RegisteredHandoff[]> {
  let query = db.selectFrom('handoff').selectAll().where('expires_at', '>', new Date(now));
  if (line !== undefined) query = query.where('line', '=', line);
  const rows = await query.orderBy('expires_at').execute();
  return rows.map((row) => ({
    digest: row.digest as Sha256,
    line: row.line as LineName,
    manifest: row.manifest as Sha256,
    pipeline: row.pipeline,
    job: row.job,
    bundles: row.bundles,
    artifact: row.artifact as Sha256,
    issuedAt: row.issued_at.getTime(),
    expiresAt: row.expires_at.getTime(),
  }));
}
