import type { Kysely } from 'kysely';
import type { Sha256 } from '../domain/brands.js';
import type { Method } from '../domain/manifest.js';
import type { ClaimKey, Signing } from '../domain/signing/claim.js';
import type { Tables } from './tables.js';

/** Idempotent by token. */
export async function recordSignings(db: Kysely<Tables>, signings: readonly Signing[]): Promise<void> {
  if (signings.length === 0) return;
  const values = signings.map(({ key, ...signing }) => ({
    token: signing.token,
    artifact: key.artifact,
    bundle_id: key.bundleId,
    method: key.method,
    holder: signing.holder,
    pipeline: signing.pipeline,
    ticket: signing.ticket,
    job: signing.job,
    manifest: signing.manifest,
    purpose: signing.purpose,
    signed: signing.signed,
    location: signing.location,
    granted_at: new Date(signing.grantedAt),
    completed_at: new Date(signing.completedAt),
  }));
  await db
    .insertInto('signing')
    .values(values)
    .onConflict((conflict) => conflict.column('token').doNothing())
    .execute();
}

/** What was signed under a key, oldest first. */
export async function signings(db: Kysely<Tables>, { artifact, bundleId, method }: ClaimKey): Promise<Signing[]> {
  const rows = await db
    .selectFrom('signing')
    .selectAll()
    .where('artifact', '=', artifact)
    .where('bundle_id', '=', bundleId)
    .where('method', '=', method)
    .orderBy('completed_at')
    .execute();
  return rows.map((row) => ({
    key: { artifact: row.artifact as Sha256, bundleId: row.bundle_id, method: row.method as Method },
    token: row.token,
    holder: row.holder,
    pipeline: row.pipeline,
    ticket: row.ticket,
    job: row.job,
    manifest: row.manifest as Sha256,
    purpose: row.purpose,
    signed: row.signed as Sha256,
    location: row.location,
    grantedAt: row.granted_at.getTime(),
    completedAt: row.completed_at.getTime(),
  }));
}
