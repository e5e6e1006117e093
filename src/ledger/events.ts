import type { Kysely } from 'kysely';
import type { PersonId, RotationId } from '../domain/brands.js';
import type { HistoryEvent } from '../domain/rotation/history.js';
import { storableJson, storableText } from './storable.js';
import type { Tables } from './tables.js';

/** Idempotent by (rotation, seq): what is recorded once stays as it is. */
export async function recordEvents(db: Kysely<Tables>, events: readonly HistoryEvent[]): Promise<void> {
  if (events.length === 0) return;
  const values = events.map((event) => ({
    rotation: event.rotation,
    seq: event.seq,
    at: new Date(event.at),
    kind: event.kind,
    actor: storableText(event.actor),
    text: storableText(event.text),
    data: storableJson(event.data),
  }));
  await db
    .insertInto('event')
    .values(values)
    .onConflict((conflict) => conflict.columns(['rotation', 'seq']).doNothing())
    .execute();
}

/** Events of a rotation with a higher `seq`, in order; at most `limit`. */
export async function eventsAfter(db: Kysely<Tables>, rotation: string, seq: number, limit = 1_000): Promise<HistoryEvent[]> {
  const rows = await db
    .selectFrom('event')
    .selectAll()
    .where('rotation', '=', rotation)
    .where('seq', '>', seq)
    .orderBy('seq')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    rotation: row.rotation as RotationId,
    seq: row.seq,
    at: row.at.getTime(),
    kind: row.kind,
    actor: row.actor as PersonId,
    text: row.text,
    data: row.data,
  }));
}
