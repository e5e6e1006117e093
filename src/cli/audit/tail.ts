import { chainsIn } from '../../../activities/audit/chains-in.js';
import { segmentsOf } from '../../../activities/audit/segments.js';
import { itemsIn } from '../../../activities/audit/verify-chain.js';
import type { AuditRecord } from '../../domain/audit/record.js';
import { auditTailText } from '../../presenters/audit-text.js';
import type { AuditTailView } from '../../presenters/audit.js';
import { defineCommand } from '../command.js';
import { chainsFolder } from './sources.js';

const DEFAULT_COUNT = 20;

const isAbout = (record: AuditRecord, rotation: string | undefined): boolean =>
  rotation === undefined || ('facts' in record && record.facts['rotation'] === rotation);

/** From its newest file back, so that what it costs does not grow with the chain. */
async function newestOf(folder: string, count: number, rotation: string | undefined): Promise<readonly AuditRecord[]> {
  let newest: readonly AuditRecord[] = [];
  for (const segment of [...(await segmentsOf(folder))].reverse()) {
    if (newest.length >= count) break;
    const own: AuditRecord[] = [];
    for await (const item of itemsIn(segment, 'last')) {
      if (item.kind !== 'record' || !isAbout(item.record, rotation)) continue;
      own.push(item.record);
      if (own.length > 2 * count) own.splice(0, own.length - count);
    }
    newest = [...own, ...newest].slice(-count);
  }
  return newest;
}

export const command = defineCommand({
  description: 'Show the last records of the audit chains of a home; what is shown is not verified',
  arguments: {},
  options: {
    folder: {
      kind: 'text',
      value: 'DIR',
      description: 'chains elsewhere than in a home: <state>/audit of a node or a gateway, or an export',
    },
    count: { kind: 'count', description: `how many; default ${DEFAULT_COUNT}` },
    rotation: { kind: 'text', value: 'ID', description: 'only what belongs to this rotation' },
  },
  async handler(context, _arguments, { folder: elsewhere, count = DEFAULT_COUNT, rotation }) {
    const chains = await chainsIn(await chainsFolder(context, elsewhere));
    const last = (await Promise.all(chains.map(({ folder }) => newestOf(folder, count, rotation)))).flat();
    last.sort((a, b) => (a.at === b.at ? a.seq - b.seq : a.at < b.at ? -1 : 1));
    const view: AuditTailView = { schemaVersion: 1, records: count === 0 ? [] : last.slice(-count) };
    context.output.show(view, (one) => auditTailText(one, (heading, rows) => context.output.table(heading, rows)));
  },
});
