import { Kysely, Migrator } from 'kysely';
import type { LedgerWrites, RotationNodeRow } from '../../activities/ledger/contract.js';
import { ResealError } from '../domain/errors.js';
import type { ExportStatus } from '../domain/exports/export.js';
import type { NodeTruth } from '../domain/impact/impact.js';
import type { HistoryEvent } from '../domain/rotation/history.js';
import type { RotationStatus } from '../domain/rotation/status.js';
import type { SeatUse } from '../domain/seats/seat.js';
import { openEmbedded } from './embedded.js';
import { keyExport, keyExports, recordExport } from './key-exports.js';
import { eventsAfter, recordEvents } from './events.js';
import { openHandoffs, registerHandoff, type RegisteredHandoff } from './handoffs.js';
import { migrations } from './migrations.js';
import { nodes, nodeTruths, saveNodeReports, type SeenNode } from './nodes.js';
import { pgliteDialect } from './pglite-dialect.js';
import { isUnreachable, reaching } from './reachable.js';
import { recordNodes, rotationNodes } from './rotation-nodes.js';
import { recordRotation, rotation, type RotationFilter, rotations } from './rotations.js';
import { recordSeatUses, seatUses } from './seat-uses.js';
import { serverDialect } from './server-dialect.js';
import { recordSignings, signings } from './signings.js';
import type { Tables } from './tables.js';

/** `embedded`: PGlite in a folder that this process alone uses. `url`: a PostgreSQL server. */
export type LedgerPlace = { readonly kind: 'embedded'; readonly folder: string } | { readonly kind: 'url'; readonly url: string };

/** Per-node facts, last statuses and events of rotations. Every call throws DATABASE_UNREACHABLE while the database is away, and works again once it is back. */
export interface Ledger extends LedgerWrites {
  rotations(filter?: RotationFilter): Promise<RotationStatus[]>;
  rotation(id: string): Promise<RotationStatus | null>;
  rotationNodes(id: string): Promise<RotationNodeRow[]>;
  eventsAfter(id: string, seq: number, limit?: number): Promise<HistoryEvent[]>;
  nodes(filter?: { readonly line?: string; readonly name?: string }): Promise<SeenNode[]>;
  nodeTruths(): Promise<readonly NodeTruth[]>;
  /** Claims that ended after `since`, oldest first. */
  seatUses(since: number): Promise<SeatUse[]>;
  /** Idempotent by digest. */
  registerHandoff(handoff: RegisteredHandoff): Promise<void>;
  /** Those that have not expired at `now`, the first to expire first. */
  openHandoffs(now: number, line?: string): Promise<RegisteredHandoff[]>;
  /** Newest first. */
  keyExports(filter?: { readonly line?: string }): Promise<ExportStatus[]>;
  keyExport(id: string): Promise<ExportStatus | null>;
  close(): Promise<void>;
}

/** Of one process, at a time. */
const CONNECTIONS = 10;

async function migrate(db: Kysely<Tables>, where: string): Promise<void> {
  await reaching(where, async () => {
    const { error, results } = await new Migrator({ db, provider: migrations }).migrateToLatest();
    if (error === undefined) return;
    const failed = results?.find((result) => result.status === 'Error')?.migrationName;
    if (failed === undefined || isUnreachable(error))
      throw error instanceof Error ? error : new Error('the migrations did not run', { cause: error });
    throw new ResealError('INTERNAL', `The tables of the database (${where}) could not be brought up to date; ${failed} failed.`, {
      cause: error,
    });
  });
}

/** Opens the ledger and brings its tables up to date. Throws DATABASE_UNREACHABLE where it cannot be reached. */
export async function openLedger(place: LedgerPlace): Promise<Ledger> {
  const { dialect, where } =
    place.kind === 'embedded'
      ? { dialect: pgliteDialect(await openEmbedded(place.folder)), where: `embedded, in ${place.folder}` }
      : serverDialect(place.url, CONNECTIONS);
  const db = new Kysely<Tables>({ dialect });
  try {
    await migrate(db, where);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  const run = <T>(work: () => Promise<T>): Promise<T> => reaching(where, work);
  return {
    recordRotation: (status) => run(() => recordRotation(db, status)),
    recordEvents: (events) => run(() => recordEvents(db, events)),
    recordNodes: (rows) => run(() => recordNodes(db, rows)),
    saveNodeReports: (line, reports) => run(() => saveNodeReports(db, line, reports)),
    rotations: (filter) => run(() => rotations(db, filter)),
    rotation: (id) => run(() => rotation(db, id)),
    rotationNodes: (id) => run(() => rotationNodes(db, id)),
    eventsAfter: (id, seq, limit) => run(() => eventsAfter(db, id, seq, limit)),
    nodes: (filter) => run(() => nodes(db, filter)),
    nodeTruths: () => run(() => nodeTruths(db)),
    recordSeatUses: (uses) => run(() => recordSeatUses(db, uses)),
    seatUses: (since) => run(() => seatUses(db, since)),
    recordSignings: (made) => run(() => recordSignings(db, made)),
    signings: (key) => run(() => signings(db, key)),
    registerHandoff: (handoff) => run(() => registerHandoff(db, handoff)),
    openHandoffs: (now, line) => run(() => openHandoffs(db, now, line)),
    recordExport: (status) => run(() => recordExport(db, status)),
    keyExports: (filter) => run(() => keyExports(db, filter)),
    keyExport: (id) => run(() => keyExport(db, id)),
    close: () => db.destroy(),
  };
}
