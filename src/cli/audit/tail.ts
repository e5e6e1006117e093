import { chainsIn } from '../../../activities/audit/chains-in.js';
import { itemsOf } from '../../../activities/audit/verify-chain.js';
import type { AuditRecord } from '../../domain/audit/record.js';
import { auditTailText } from '../../presenters/audit-text.js';
import type { AuditTailView } from '../../presenters/audit.js';
import { auditFolder } from '../../temporal/audit/worker-log.js';
import { defineCommand } from '../command.js';
import { auditedHome } from './sources.js';

const DEFAULT_COUNT = 20;

const isAbout = (record: AuditRecord, rotation: string | undefined): boolean =>
  rotation === undefined || ('facts' in record && record.facts['rotation'] === rotation);

export const command = defineCommand({
  description: 'Show the last records of the audit chains of a home; what is shown is not verified',
  arguments: {},
  options: {
    count: { kind: 'count', description: `how many; default ${DEFAULT_COUNT}` },
    rotation: { kind: 'text', value: 'ID', description: 'only what belongs to this rotation' },
  },
  async handler(context, _arguments, { count = DEFAULT_COUNT, rotation }) {
    const last: AuditRecord[] = [];
    for (const { folder } of await chainsIn(auditFolder(await auditedHome(context)))) {
      const own: AuditRecord[] = [];
      for await (const item of itemsOf(folder)) {
        if (item.kind !== 'record' || !isAbout(item.record, rotation)) continue;
        own.push(item.record);
        if (own.length > 2 * count) own.splice(0, own.length - count);
      }
      last.push(...own.slice(-count));
    }
    last.sort((a, b) => (a.at === b.at ? a.seq - b.seq : a.at < b.at ? -1 : 1));
    const view: AuditTailView = { schemaVersion: 1, records: count === 0 ? [] : last.slice(-count) };
    context.output.show(view, (one) => auditTailText(one, (heading, rows) => context.output.table(heading, rows)));
  },
});
