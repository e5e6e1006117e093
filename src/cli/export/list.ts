import { exportListText } from '../../presenters/export-text.js';
import type { ExportListView } from '../../presenters/export.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';

export const command = defineCommand({
  description: 'List exports, newest first',
  arguments: {},
  options: { line: { kind: 'text', description: 'Of this line only', value: 'LINE' } },
  async handler(context, _, { line }) {
    const api = await ApiClient.find(context);
    const view = await api.get<ExportListView>(`/v1/exports${line === undefined ? '' : `?line=${encodeURIComponent(line)}`}`);
    context.output.show(view, () => exportListText(view, context.output, context.now()));
  },
});
