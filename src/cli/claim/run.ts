import { ResealError } from '../../domain/errors.js';
import type { ClaimCompletionView } from '../../presenters/claim.js';
import { completionText, standingText } from '../../presenters/claim-text.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';
import { runProgram } from '../run-program.js';
import { durationOf } from '../given.js';
import { askForClaim, SIGNER } from './ask.js';
import { digestOf, KEY, keyOf } from './key.js';

export const command = defineCommand({
  description: "Sign an artifact once: runs a command under a claim, unless it is signed already; exits with the command's own exit code",
  arguments: { command: { kind: 'list', required: true, description: 'After --: the command that signs, and its arguments' } },
  options: {
    ...KEY,
    ...SIGNER,
    signed: { kind: 'text', required: true, description: 'File or folder that the command makes', value: 'PATH' },
    location: { kind: 'text', description: 'Where it will be, for those who come later', value: 'TEXT' },
    wait: { kind: 'text', description: 'How long to wait for another that signs it (default: 30m)', value: 'DURATION' },
  },
  async handler(context, { command: words }, { artifact, bundle, method, wait, signed, location, ...asked }) {
    const api = await ApiClient.find(context);
    const key = await keyOf(context, { artifact, bundle, method });
    const standing = await askForClaim(context, api, key, asked, durationOf('--wait', wait ?? '30m'));
    if (standing.state !== 'granted') {
      context.output.show(standing, () => standingText(standing, context.output, context.now()));
      return 0;
    }
    const { token } = standing;
    const giveUp = () => api.post('/v1/claims/release', { key, token }).catch(() => undefined);
    const exit = await runProgram(context, words).catch(async (error: unknown) => {
      await giveUp();
      throw error;
    });
    if (exit !== 0) {
      await giveUp();
      return exit;
    }
    const digest = await digestOf(context, signed).catch(async (error: unknown) => {
      await giveUp();
      throw new ResealError('FILE_UNREADABLE', `The command ended well, but did not make ${signed}, which --signed names.`, {
        cause: error,
      });
    });
    const body = { key, token, signed: digest, ...(location === undefined ? {} : { location }) };
    const view = await api.post<ClaimCompletionView>('/v1/claims/complete', body);
    context.output.show(view, () => completionText(view, context.output, context.now()));
    return 0;
  },
});
