import { type Kysely, sql } from 'kysely';
import type { RotationNodeRow } from '../../activities/ledger/contract.js';
import type { NodeName, RotationId, Sha256 } from '../domain/brands.js';
import { newestOf } from './newest.js';
import { storableText } from './storable.js';
import type { Tables } from './tables.js';

/** One statement whatever the number of rows. An older `at` never overwrites a newer one. */
export async function recordNodes(db: Kysely<Tables>, rows: readonly RotationNodeRow[]): Promise<void> {
  if (rows.length === 0) return;
  const values = newestOf(rows, (row) => JSON.stringify([row.rotation, row.node])).map((row) => ({
    rotation: row.rotation,
    node: row.node,
    cohort: row.cohort,
    state: row.state,
    active_sha: row.active,
    passes: row.passes,
    reason: storableText(row.reason),
    deferred: row.deferred,
    updated_at: new Date(row.at),
  }));
  await db
    .insertInto('rotation_node')
    .values(values)
    .onConflict((conflict) =>
      conflict
        .columns(['rotation', 'node'])
        .doUpdateSet((excluded) => ({
          cohort: excluded.ref('excluded.cohort'),
          state: excluded.ref('excluded.state'),
          active_sha: excluded.ref('excluded.active_sha'),
          passes: excluded.ref('excluded.passes'),
          reason: excluded.ref('excluded.reason'),
          deferred: excluded.ref('excluded.deferred'),
          updated_at: excluded.ref('excluded.updated_at'),
        }))
        .where(sql<boolean>`excluded.updated_at >= rotation_node.updated_at`),
    )
    .execute();
}

/** The nodes of a rotation, by name. */
export async function rotationNodes(db: Kysely<Tables>, rotation: string): Promise<RotationNodeRow[]> {
  const rows = await db.selectFrom('rotation_node').selectAll().where('rotation', '=', rotation).orderBy('node').execute();
  return rows.map((row) => ({
    rotation: row.rotation as RotationId,
    node: row.node as NodeName,
    cohort: row.cohort,
    state: row.state,
    active: row.active_sha as Sha256 | null,
    passes: row.passes,
    reason: storableText(row.reason),
    deferred: row.deferred,
    at: row.updated_at.getTime(),
  }));
}
