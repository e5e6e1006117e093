import { type Kysely, sql } from 'kysely';
import type { Outcome, Phase } from '../domain/rotation/phases.js';
import type { RotationStatus } from '../domain/rotation/status.js';
import { storableJson, storableText } from './storable.js';
import type { Tables } from './tables.js';

const time = (at: number | null): Date | null => (at === null ? null : new Date(at));

/** Keeps the last status of a rotation. One that is older (by epoch, then by the phase's beginning) never replaces a newer one. */
export async function recordRotation(db: Kysely<Tables>, status: RotationStatus): Promise<void> {
  const row = {
    id: status.id,
    line: status.line,
    kind: status.kind,
    epoch: status.epoch,
    from_sha: status.from,
    to_sha: status.to,
    phase: status.phase,
    outcome: status.outcome,
    question: status.question?.id ?? null,
    horizon: time(status.horizon),
    ticket: storableText(status.trigger.ticket),
    started_at: new Date(status.startedAt),
    restored_at: time(status.restoredAt),
    ended_at: time(status.endedAt),
    since: new Date(status.since),
    status: storableJson(status),
    updated_at: new Date(),
  };
  const { id: _id, line: _line, started_at: _startedAt, ...changing } = row;
  await db
    .insertInto('rotation')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet(changing)
        .where(sql<boolean>`(excluded.epoch, excluded.since) >= (rotation.epoch, rotation.since)`),
    )
    .execute();
}

export interface RotationFilter {
  readonly line?: string;
  readonly phase?: Phase;
  readonly outcome?: Outcome;
  /** `open`: not ended yet; `ended`: ended. */
  readonly state?: 'open' | 'ended';
  /** Incident rollbacks of this rotation. */
  readonly undoes?: string;
  /** Default: 100. */
  readonly limit?: number;
}

/** Last known statuses, newest rotation first. */
export async function rotations(db: Kysely<Tables>, filter: RotationFilter = {}): Promise<RotationStatus[]> {
  let query = db
    .selectFrom('rotation')
    .select('status')
    .orderBy('started_at', 'desc')
    .orderBy('id', 'desc')
    .limit(filter.limit ?? 100);
  if (filter.line !== undefined) query = query.where('line', '=', filter.line);
  if (filter.phase !== undefined) query = query.where('phase', '=', filter.phase);
  if (filter.outcome !== undefined) query = query.where('outcome', '=', filter.outcome);
  if (filter.undoes !== undefined) query = query.where(sql`status ->> 'undoes'`, '=', filter.undoes);
  if (filter.state !== undefined) query = query.where('ended_at', filter.state === 'open' ? 'is' : 'is not', null);
  return (await query.execute()).map((row) => row.status);
}

/** The last known status; null where the ledger has none. */
export async function rotation(db: Kysely<Tables>, id: string): Promise<RotationStatus | null> {
  const row = await db.selectFrom('rotation').select('status').where('id', '=', id).executeTakeFirst();
  return row?.status ?? null;
}
