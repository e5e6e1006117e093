import { diffManifests } from '../../domain/manifest-changes.js';
import { changesText } from '../../presenters/rotation-text.js';
import { changesView } from '../../presenters/rotation.js';
import { defineCommand } from '../command.js';
import { readNamed } from './read.js';

export const command = defineCommand({
  description: 'Compare two manifests; exit 1 when they differ',
  arguments: {
    a: { kind: 'text', description: 'A path, a SHA-256, or a line (its head)', required: true },
    b: { kind: 'text', description: 'The other one', required: true },
  },
  options: {},
  async handler(context, names) {
    const [a, b] = [await readNamed(context, names.a), await readNamed(context, names.b)];
    const difference = diffManifests(a.manifest, b.manifest);
    const changes = changesView(a.manifest, b.manifest);
    const named = (entries: typeof difference.added): readonly string[] =>
      entries.map((entry) => `${entry.bundleId} ${entry.method} ${entry.profile.uuid}`);
    const same = a.sha256 === b.sha256;
    const view = {
      schemaVersion: 1,
      same,
      a: a.sha256,
      b: b.sha256,
      added: named(difference.added),
      removed: named(difference.removed),
      changes,
    };
    context.output.show(view, () =>
      same
        ? [`The same: ${a.sha256}`]
        : [
            ...view.added.map((what) => context.output.styled(`+ ${what}`, 'green')),
            ...view.removed.map((what) => context.output.styled(`- ${what}`, 'red')),
            ...(changes.length === 0 ? [] : changesText(changes, context.output)),
            ...difference.changed
              .filter((change) => !change.fields.some((field) => field.startsWith('profile.')))
              .map((change) => `~ ${change.key}: ${change.fields.join(', ')}`),
          ],
    );
    return same ? 0 : 1;
  },
});
