import type { ClaimReleaseView } from '../../presenters/claim.js';
import { keyText } from '../../presenters/claim-text.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';
import { KEY, keyOf } from './key.js';

export const command = defineCommand({
  description: 'Give a claim up unsigned, so that the next job need not wait for its end',
  arguments: {},
  options: {
    ...KEY,
    token: { kind: 'text', required: true, description: 'Token that `claim acquire` printed', value: 'TOKEN' },
  },
  async handler(context, _, { token, ...key }) {
    const api = await ApiClient.find(context);
    const view = await api.post<ClaimReleaseView>('/v1/claims/release', { key: await keyOf(context, key), token });
    context.output.show(view, () => `the claim on ${keyText(view.key)} is given up`);
  },
});
