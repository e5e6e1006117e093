import { ResealError } from '../../domain/errors.js';
import { exportTermsText, exportText } from '../../presenters/export-text.js';
import type { ExportTermsView, ExportView } from '../../presenters/export.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';
import { durationOf } from '../given.js';
import { draftExport, SAID, sayExport } from './say.js';

export const command = defineCommand({
  description: 'Ask for the export of a signing identity, sealed to a receiver of the roster; others have to approve it',
  arguments: {},
  options: {
    identity: { kind: 'text', required: true, description: 'SHA-1 of its certificate', value: 'SHA1' },
    for: { kind: 'text', required: true, description: 'Receiver of roster.yaml', value: 'RECEIVER' },
    reason: { kind: 'text', required: true, description: 'Why; kept on the record', value: 'TEXT' },
    ...SAID,
    node: { kind: 'text', description: 'The node that exports it, where more than one holds it', value: 'NODE' },
    line: { kind: 'text', description: 'The line that signs with it, where more than one does', value: 'LINE' },
    fetchWithin: {
      kind: 'text',
      description: "How long it may be fetched after it was sealed (default: the policy's exports.fetchWithin)",
      value: 'DURATION',
    },
  },
  async handler(context, _, { identity, for: receiver, reason, node, line, fetchWithin, ...said }) {
    const api = await ApiClient.find(context);
    const query = new URLSearchParams({
      ...{ identity: identity.toLowerCase(), receiver },
      ...(node === undefined ? {} : { node }),
      ...(line === undefined ? {} : { line }),
      ...(fetchWithin === undefined ? {} : { fetchWithin: String(durationOf('--fetch-within', fetchWithin)) }),
    });
    const terms = await api.get<ExportTermsView>(`/v1/exports/terms?${query.toString()}`);
    const { asks } = terms;
    if (asks.identity !== identity.toLowerCase() || asks.receiver !== receiver || (node !== undefined && asks.node !== node))
      throw new ResealError(
        'DIGEST_MISMATCH',
        `Asked for ${identity} and ${receiver}, the control API answers for ${asks.identity} and ${asks.receiver}. Nothing was signed; find out who answers there.`,
      );
    const statement = draftExport(terms, said, { says: 'export-request', asks: { ...asks, reason } }, context.now());
    const view = await sayExport<ExportView>(context, api, '/v1/exports', said, statement, exportTermsText(terms));
    context.output.show(view, () => exportText(view, context.output, context.now()));
  },
});
