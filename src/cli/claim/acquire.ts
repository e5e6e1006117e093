import { standingText } from '../../presenters/claim-text.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';
import { durationOf } from '../given.js';
import { askForClaim, SIGNER } from './ask.js';
import { KEY, keyOf } from './key.js';

export const command = defineCommand({
  description: 'Ask for the right to sign an artifact: granted with a token, or the signature that there is; exit 4 while another signs',
  arguments: {},
  options: {
    ...KEY,
    ...SIGNER,
    wait: { kind: 'text', description: 'How long to wait for another that signs it (default: not at all)', value: 'DURATION' },
  },
  async handler(context, _, { artifact, bundle, method, wait, ...asked }) {
    const api = await ApiClient.find(context);
    const key = await keyOf(context, { artifact, bundle, method });
    const standing = await askForClaim(context, api, key, asked, wait === undefined ? 0 : durationOf('--wait', wait));
    context.output.show(standing, () => standingText(standing, context.output, context.now()));
  },
});
