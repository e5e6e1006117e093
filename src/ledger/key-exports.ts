import { type Kysely, sql } from 'kysely';
import type { ExportStatus } from '../domain/exports/export.js';
import { storableJson, storableText } from './storable.js';
import type { Tables } from './tables.js';

/** Keeps the last status of an export. An end stays: what was under way before it never comes after. */
export async function recordExport(db: Kysely<Tables>, status: ExportStatus): Promise<void> {
  const changing = { phase: status.phase, status: storableJson(status), updated_at: new Date() };
  const { identity, node, receiver } = status.binds;
  const row = {
    ...{ id: status.id, line: status.line, identity, node, receiver: storableText(receiver) },
    ...{ requested_at: new Date(status.requestedAt), ...changing },
  };
  await db
    .insertInto('key_export')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet(changing)
        .where(sql<boolean>`key_export.status->'ended' = 'null'::jsonb or excluded.status->'ended' <> 'null'::jsonb`),
    )
    .execute();
}

/** Newest first, 100 at most. */
export async function keyExports(db: Kysely<Tables>, { line }: { readonly line?: string } = {}): Promise<ExportStatus[]> {
  const all = db.selectFrom('key_export').select('status').orderBy('requested_at', 'desc').limit(100);
  const rows = await (line === undefined ? all : all.where('line', '=', line)).execute();
  return rows.map(({ status }) => status);
}

export async function keyExport(db: Kysely<Tables>, id: string): Promise<ExportStatus | null> {
  const row = await db.selectFrom('key_export').select('status').where('id', '=', id).executeTakeFirst();
  return row?.status ?? null;
}
