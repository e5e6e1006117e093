import type { ClaimCompletionView } from '../../presenters/claim.js';
import { completionText } from '../../presenters/claim-text.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';
import { digestOf, KEY, keyOf } from './key.js';

export const command = defineCommand({
  description: 'Say what was signed under a claim; exit 4 where another has the claim, or has signed',
  arguments: {},
  options: {
    ...KEY,
    token: { kind: 'text', required: true, description: 'Token that `claim acquire` printed', value: 'TOKEN' },
    signed: { kind: 'text', required: true, description: 'Signed artifact: a file, a folder, or its SHA-256', value: 'PATH|SHA' },
    location: { kind: 'text', description: 'Where it is, for those who come later', value: 'TEXT' },
  },
  async handler(context, _, { token, signed, location, ...key }) {
    const view = await (
      await ApiClient.find(context)
    ).post<ClaimCompletionView>('/v1/claims/complete', {
      key: await keyOf(context, key),
      token,
      signed: await digestOf(context, signed),
      ...(location === undefined ? {} : { location }),
    });
    context.output.show(view, () => completionText(view, context.output, context.now()));
  },
});
