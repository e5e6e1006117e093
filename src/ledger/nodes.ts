import { type Kysely, sql } from 'kysely';
import type { LineName, NodeName } from '../domain/brands.js';
import type { NodeTruth } from '../domain/impact/impact.js';
import type { NodeReport } from '../domain/node/report.js';
import { newestOf } from './newest.js';
import { storableJson } from './storable.js';
import type { Tables } from './tables.js';

/** What a node last reported on a line. */
export interface SeenNode {
  readonly name: NodeName;
  readonly line: LineName;
  readonly report: NodeReport;
  readonly seenAt: number;
}

/** An older report never overwrites a newer one. */
export async function saveNodeReports(db: Kysely<Tables>, line: string, reports: readonly NodeReport[]): Promise<void> {
  if (reports.length === 0) return;
  const values = newestOf(reports, (report) => report.node).map((report) => ({
    name: report.node,
    line,
    report: storableJson(report),
    seen_at: new Date(report.at),
  }));
  await db
    .insertInto('node')
    .values(values)
    .onConflict((conflict) =>
      conflict
        .columns(['name', 'line'])
        .doUpdateSet((excluded) => ({ report: excluded.ref('excluded.report'), seen_at: excluded.ref('excluded.seen_at') }))
        .where(sql<boolean>`excluded.seen_at >= node.seen_at`),
    )
    .execute();
}

/** By name, then line. */
export async function nodes(db: Kysely<Tables>, filter: { readonly line?: string; readonly name?: string } = {}): Promise<SeenNode[]> {
  let query = db.selectFrom('node').selectAll().orderBy('name').orderBy('line');
  if (filter.line !== undefined) query = query.where('line', '=', filter.line);
  if (filter.name !== undefined) query = query.where('name', '=', filter.name);
  const rows = await query.execute();
  return rows.map((row) => ({ name: row.name as NodeName, line: row.line as LineName, report: row.report, seenAt: row.seen_at.getTime() }));
}

/**
 * What every node last said that it has, by name, then line, and nothing else of its reports. The database makes one value of it: ten thousand rows
 * cost the embedded one more than all else that is asked of it (docs/benchmarks.md).
 */
export async function nodeTruths(db: Kysely<Tables>): Promise<readonly NodeTruth[]> {
  const { rows } = await sql<{ readonly truths: readonly NodeTruth[] | null }>`
    select json_agg(json_build_object(
      'node', name, 'line', line, 'active', report->'active', 'accepted', report->'accepted', 'pins', report->'pins',
      'seenAt', (extract(epoch from seen_at) * 1000)::bigint
    ) order by name, line) as truths from node`.execute(db);
  return rows[0]?.truths ?? [];
}
