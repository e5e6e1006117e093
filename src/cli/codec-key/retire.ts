import { Client } from '@temporalio/client';
import { loadConfiguration } from '../../configuration/load.js';
import { ResealError } from '../../domain/errors.js';
import { reasonsToKeep } from '../../temporal/codec/needed.js';
import { connectClient } from '../../temporal/connection.js';
import { recordedServer } from '../../temporal/embedded-server.js';
import { configFolder } from '../config-folder.js';
import { defineCommand, type Context } from '../command.js';
import { homeFolder } from '../home.js';
import { FILE_OPTION, keyFile, keyNamed, readKeys, shownKey, writeKeys } from './file.js';

export const command = defineCommand({
  description: 'Remove a codec key that nothing in Temporal needs any more; exit 4 while something does',
  arguments: { id: { kind: 'text', required: true, description: 'A key of the file' } },
  options: FILE_OPTION,
  async handler(context, { id }, { file: named }) {
    const file = keyFile(context, named);
    const keys = await readKeys(file);
    const key = keyNamed(keys, id, file);
    if (key.status === 'active')
      throw new ResealError(
        'REFUSED',
        `${id} is active: what is written is written under it. Activate another one first (\`reseal codec-key new\`).`,
      );
    const { connection, namespace } = await connectClient(temporalOf(context));
    try {
      const reasons = await reasonsToKeep(new Client({ connection, namespace }), key, context.now());
      if (reasons.length > 0)
        throw new ResealError('REFUSED', `${id} is still needed, and was not removed. Try again when nothing of this holds.`, {
          details: reasons,
        });
    } finally {
      await connection.close();
    }
    const left = keys.filter((one) => one.id !== id);
    await writeKeys(file, left);
    context.output.show({ schemaVersion: 1, file, retired: shownKey(key), keys: left.map(shownKey) }, () => [
      `${id} is gone from ${file}. Hand the keys out again to agents and gateways.`,
    ]);
  },
});

/** @throws ResealError TEMPORAL_UNREACHABLE where the embedded server was never started */
function temporalOf(context: Context): { readonly address: string; readonly namespace: string } {
  const { address, namespace } = loadConfiguration(configFolder(context)).reseal.temporal;
  if (address !== 'embedded') return { address, namespace };
  const home = homeFolder(context.home, context.env, context.cwd);
  const server = recordedServer(home);
  if (server !== null) return { address: server.address, namespace };
  throw new ResealError(
    'TEMPORAL_UNREACHABLE',
    `Whether a key is needed is asked of Temporal, and none runs on ${home}. Start \`reseal up\`.`,
  );
}
