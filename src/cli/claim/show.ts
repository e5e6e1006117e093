import type { ClaimShowView } from '../../presenters/claim.js';
import { showText } from '../../presenters/claim-text.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';
import { KEY, keyOf } from './key.js';

export const command = defineCommand({
  description: 'Show who signs an artifact, and what was signed; exit 1 where it is not signed',
  arguments: {},
  options: KEY,
  async handler(context, _, options) {
    const api = await ApiClient.find(context);
    const query = new URLSearchParams({ ...(await keyOf(context, options)) });
    const view = await api.get<ClaimShowView>(`/v1/claims?${query.toString()}`);
    context.output.show(view, () => showText(view, context.output, context.now()));
    return view.signings.length === 0 ? 1 : 0;
  },
});
