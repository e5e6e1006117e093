import type { Kysely } from 'kysely';
import type { NodeName } from '../domain/brands.js';
import type { SeatUse } from '../domain/seats/seat.js';
import type { Tables } from './tables.js';

/** Idempotent by token. */
export async function recordSeatUses(db: Kysely<Tables>, uses: readonly SeatUse[]): Promise<void> {
  if (uses.length === 0) return;
  const values = uses.map((use) => ({
    token: use.token,
    node: use.node,
    holder: use.holder,
    pipeline: use.pipeline,
    ticket: use.ticket,
    job: use.job,
    asked_at: new Date(use.askedAt),
    granted_at: use.grantedAt === null ? null : new Date(use.grantedAt),
    ended_at: new Date(use.endedAt),
    how: use.end,
  }));
  await db
    .insertInto('seat_use')
    .values(values)
    .onConflict((conflict) => conflict.column('token').doNothing())
    .execute();
}

/** Claims that ended after `since`, oldest first. */
export async function seatUses(db: Kysely<Tables>, since: number): Promise<SeatUse[]> {
  const rows = await db.selectFrom('seat_use').selectAll().where('ended_at', '>', new Date(since)).orderBy('ended_at').execute();
  return rows.map((row) => ({
    node: row.node as NodeName,
    holder: row.holder,
    pipeline: row.pipeline,
    ticket: row.ticket,
    job: row.job,
    token: row.token,
    askedAt: row.asked_at.getTime(),
    grantedAt: row.granted_at?.getTime() ?? null,
    endedAt: row.ended_at.getTime(),
    end: row.how,
  }));
}
