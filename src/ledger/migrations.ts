import { type Kysely, type Migration, type MigrationProvider, sql } from 'kysely';

/** Never changed once released; a new one is added below. Run in order, each once, under a lock of the database. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-rotations-nodes-events': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('rotation')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('line', 'text', (column) => column.notNull())
        .addColumn('kind', 'text')
        .addColumn('epoch', 'integer', (column) => column.notNull())
        .addColumn('from_sha', 'text')
        .addColumn('to_sha', 'text')
        .addColumn('phase', 'text', (column) => column.notNull())
        .addColumn('outcome', 'text')
        .addColumn('question', 'text')
        .addColumn('horizon', 'timestamptz')
        .addColumn('ticket', 'text', (column) => column.notNull())
        .addColumn('started_at', 'timestamptz', (column) => column.notNull())
        .addColumn('restored_at', 'timestamptz')
        .addColumn('ended_at', 'timestamptz')
        .addColumn('since', 'timestamptz', (column) => column.notNull())
        .addColumn('status', 'jsonb', (column) => column.notNull())
        .addColumn('updated_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
        .execute();
      await db.schema.createIndex('rotation_by_line').on('rotation').columns(['line', 'started_at']).execute();
      await db.schema
        .createTable('rotation_node')
        .addColumn('rotation', 'text', (column) => column.notNull())
        .addColumn('node', 'text', (column) => column.notNull())
        .addColumn('cohort', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('active_sha', 'text')
        .addColumn('passes', 'integer', (column) => column.notNull())
        .addColumn('reason', 'text', (column) => column.notNull())
        .addColumn('deferred', 'boolean', (column) => column.notNull())
        .addColumn('updated_at', 'timestamptz', (column) => column.notNull())
        .addPrimaryKeyConstraint('rotation_node_key', ['rotation', 'node'])
        .execute();
      await db.schema
        .createTable('event')
        .addColumn('rotation', 'text', (column) => column.notNull())
        .addColumn('seq', 'integer', (column) => column.notNull())
        .addColumn('at', 'timestamptz', (column) => column.notNull())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('actor', 'text', (column) => column.notNull())
        .addColumn('text', 'text', (column) => column.notNull())
        .addColumn('data', 'jsonb', (column) => column.notNull())
        .addPrimaryKeyConstraint('event_key', ['rotation', 'seq'])
        .execute();
      await db.schema
        .createTable('node')
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('line', 'text', (column) => column.notNull())
        .addColumn('report', 'jsonb', (column) => column.notNull())
        .addColumn('seen_at', 'timestamptz', (column) => column.notNull())
        .addPrimaryKeyConstraint('node_key', ['name', 'line'])
        .execute();
    },
  },
  '0002-seat-uses': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('seat_use')
        .addColumn('token', 'text', (column) => column.primaryKey())
        .addColumn('node', 'text', (column) => column.notNull())
        .addColumn('holder', 'text', (column) => column.notNull())
        .addColumn('pipeline', 'text', (column) => column.notNull())
        .addColumn('ticket', 'text', (column) => column.notNull())
        .addColumn('job', 'text', (column) => column.notNull())
        .addColumn('asked_at', 'timestamptz', (column) => column.notNull())
        .addColumn('granted_at', 'timestamptz')
        .addColumn('ended_at', 'timestamptz', (column) => column.notNull())
        .addColumn('how', 'text', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('seat_use_by_end').on('seat_use').columns(['ended_at']).execute();
    },
  },
  '0003-signings': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('signing')
        .addColumn('token', 'text', (column) => column.primaryKey())
        .addColumn('artifact', 'text', (column) => column.notNull())
        .addColumn('bundle_id', 'text', (column) => column.notNull())
        .addColumn('method', 'text', (column) => column.notNull())
        .addColumn('holder', 'text', (column) => column.notNull())
        .addColumn('pipeline', 'text', (column) => column.notNull())
        .addColumn('ticket', 'text', (column) => column.notNull())
        .addColumn('job', 'text', (column) => column.notNull())
        .addColumn('manifest', 'text', (column) => column.notNull())
        .addColumn('purpose', 'text', (column) => column.notNull())
        .addColumn('signed', 'text', (column) => column.notNull())
        .addColumn('location', 'text')
        .addColumn('granted_at', 'timestamptz', (column) => column.notNull())
        .addColumn('completed_at', 'timestamptz', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('signing_by_key').on('signing').columns(['artifact', 'bundle_id', 'method']).execute();
    },
  },
  '0004-handoffs': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('handoff')
        .addColumn('digest', 'text', (column) => column.primaryKey())
        .addColumn('line', 'text', (column) => column.notNull())
        .addColumn('manifest', 'text', (column) => column.notNull())
        .addColumn('pipeline', 'text', (column) => column.notNull())
        .addColumn('job', 'text', (column) => column.notNull())
        .addColumn('bundles', 'jsonb', (column) => column.notNull())
        .addColumn('artifact', 'text', (column) => column.notNull())
        .addColumn('issued_at', 'timestamptz', (column) => column.notNull())
        .addColumn('expires_at', 'timestamptz', (column) => column.notNull())
        .addColumn('registered_at', 'timestamptz', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('handoff_by_line').on('handoff').columns(['line', 'expires_at']).execute();
    },
  },
  '0005-key-exports': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('key_export')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('line', 'text', (column) => column.notNull())
        .addColumn('identity', 'text', (column) => column.notNull())
        .addColumn('node', 'text', (column) => column.notNull())
        .addColumn('receiver', 'text', (column) => column.notNull())
        .addColumn('phase', 'text', (column) => column.notNull())
        .addColumn('requested_at', 'timestamptz', (column) => column.notNull())
        .addColumn('status', 'jsonb', (column) => column.notNull())
        .addColumn('updated_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
        .execute();
      await db.schema.createIndex('key_export_by_line').on('key_export').columns(['line', 'requested_at']).execute();
    },
  },
  '0006-audit-pieces': {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable('audit_piece')
        .addColumn('chain', 'text', (column) => column.notNull())
        .addColumn('segment', 'integer', (column) => column.notNull())
        .addColumn('at_byte', 'integer', (column) => column.notNull())
        .addColumn('bytes', 'bytea', (column) => column.notNull())
        .addColumn('written_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
        .addPrimaryKeyConstraint('audit_piece_key', ['chain', 'segment', 'at_byte'])
        .execute();
    },
  },
};

export const migrations: MigrationProvider = { getMigrations: () => Promise.resolve({ ...MIGRATIONS }) };
