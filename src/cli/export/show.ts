import { exportText } from '../../presenters/export-text.js';
import type { ExportView } from '../../presenters/export.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';
import { ARGUMENTS, exportPath } from './say.js';

export const command = defineCommand({
  description: 'Show where an export stands, who said what, and what comes next',
  arguments: ARGUMENTS,
  options: {},
  async handler(context, { id }) {
    const api = await ApiClient.find(context);
    const view = await api.get<ExportView>(exportPath(id));
    context.output.show(view, () => exportText(view, context.output, context.now()));
  },
});
