import { revocationsText } from '../../presenters/revocation-text.js';
import type { RevocationsView } from '../../presenters/revocation.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';

export const command = defineCommand({
  description: 'Show which certificates are recorded as revoked, by whom, whether that is proven, and where they are still in force',
  arguments: {},
  options: {},
  async handler(context) {
    const view = await (await ApiClient.find(context)).get<RevocationsView>('/v1/revocations');
    context.output.show(view, () => revocationsText(view, context.output, context.now()));
  },
});
