import { defineCommand } from '../command.js';
import { MANIFEST, readNamed } from './read.js';

export const command = defineCommand({
  description: 'Show what a manifest freezes: profiles, expiries, identities',
  arguments: MANIFEST,
  options: {},
  async handler(context, { manifest: name }) {
    const { sha256, sha1, manifest } = await readNamed(context, name);
    const view = { schemaVersion: 1, sha256, sha1, manifest };
    const { output } = context;
    context.output.show(view, () => [
      `${output.styled(manifest.line, 'bold')}  ${sha256}`,
      ...output.table(
        ['APP', 'BUNDLE', 'METHOD', 'UUID', 'EXPIRES', 'IDENTITY', 'TARGETS'],
        manifest.profiles.map((entry) => [
          entry.app,
          entry.bundleId,
          [entry.method, entry.variant, entry.holder].filter((part) => part !== undefined).join(' '),
          entry.profile.uuid,
          output.time(Date.parse(entry.profile.expiresAt), context.now()),
          entry.identity.slice(0, 8),
          entry.targets.join(', '),
        ]),
      ),
    ]);
  },
});
