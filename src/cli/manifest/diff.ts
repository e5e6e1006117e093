import { diffManifests, type EntryChange } from '../../domain/manifest-changes.js';
import type { ManifestEntry } from '../../domain/manifest.js';
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
    // One whose targets alone changed has nothing for a table of profiles.
    const moved = changes.filter((_, index) =>
      difference.changed[index]?.fields.some((field) => field === 'identity' || field.startsWith('profile.')),
    );
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
            ...difference.added.map((entry) => context.output.styled(`+ ${entryLine(entry)}`, 'green')),
            ...difference.removed.map((entry) => context.output.styled(`- ${entryLine(entry)}`, 'red')),
            ...(moved.length === 0 ? [] : changesText(moved, context.output)),
            ...difference.changed.flatMap(declaredLines),
          ],
    );
    return same ? 0 : 1;
  },
});

/** An entry that only one side has: what it signs, and with which profile until when. */
const entryLine = ({ bundleId, method, targets, profile, holder }: ManifestEntry): string =>
  `${bundleId} ${method}${holder === undefined ? '' : ` on ${holder}`} (${targets.join(', ')}): ${profile.name}, ${profile.uuid}, until ${profile.expiresAt.slice(0, 10)}`;

/** What changed of an entry beside its profile and certificate, which the table shows: its targets, role, app. */
const declaredLines = ({ before, after, fields }: EntryChange): readonly string[] =>
  fields
    .filter((field): field is 'app' | 'role' | 'targets' => field === 'app' || field === 'role' || field === 'targets')
    .map((field) => `~ ${after.bundleId} ${after.method}: ${field} ${String(before[field])} → ${String(after[field])}`);
