import { rotationText } from '../../presenters/rotation-text.js';
import type { RotationView } from '../../presenters/rotation.js';
import { isSha256 } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';
import { ARGUMENTS, pathOf, SAID, say } from './tell.js';

export const command = defineCommand({
  description: 'Approve exactly the manifest that is shown',
  arguments: ARGUMENTS,
  options: { ...SAID, digest: { kind: 'text', description: 'Refuse unless this is what is to be approved (SHA-256)', value: 'SHA256' } },
  async handler(context, { id }, { digest, ...said }) {
    if (digest !== undefined && !isSha256(digest)) {
      throw new ResealError(
        'USAGE',
        `--digest takes the whole SHA-256 of the manifest, 64 lower-case hexadecimal digits, not ${JSON.stringify(digest)}. Without it, exactly what is shown is approved.`,
      );
    }
    const api = await ApiClient.find(context);
    const { rotation } = await api.get<RotationView>(pathOf(id));
    const { to } = rotation;
    if (to === null) throw new ResealError('ILLEGAL_COMMAND', `${id} is ${rotation.phase}: there is nothing to approve yet.`);
    if (digest !== undefined && digest !== to)
      throw new ResealError('WRONG_DIGEST', `What is to be approved is ${to}, and --digest names ${digest}. Nothing was approved.`);
    const view = await say(context, api, id, 'approve', said, { digest: to });
    // The table of changes stands above already.
    context.output.show(view, () => rotationText({ ...view, changes: null }, context.output, context.now()));
  },
});
