import { ResealError } from '../../domain/errors.js';
import { verifyProfile } from '../../profile/index.js';
import { trustedRoots } from '../../profile/trusted-roots.js';
import { defineCommand } from '../command.js';
import { MANIFEST, readNamed, withStoresToRead } from './read.js';

interface EntryVerdict {
  readonly bundleId: string;
  readonly uuid: string;
  readonly ok: boolean;
  readonly reason: string;
}

export const command = defineCommand({
  description: 'Check a manifest: frozen form, and every profile it names by bytes, signature and contents',
  arguments: MANIFEST,
  options: {},
  async handler(context, { manifest: name }) {
    const { manifest, sha256 } = await readNamed(context, name);
    const entries = await withStoresToRead(context, async (configuration, storeOf) => {
      const store = await storeOf(manifest.line);
      const roots = trustedRoots(configuration);
      return Promise.all(
        manifest.profiles.map(async ({ bundleId, profile, identity }): Promise<EntryVerdict> => {
          try {
            const found = verifyProfile(await store.profile(profile.sha256), { roots }).profile;
            const wrong = [
              found.uuid === profile.uuid ? null : `the bytes have UUID ${found.uuid}`,
              found.expiresAt === profile.expiresAt ? null : `they expire ${found.expiresAt}, the manifest says ${profile.expiresAt}`,
              found.certificates.some((one) => one.sha1 === identity) ? null : `they do not embed identity ${identity.slice(0, 8)}`,
            ].filter((reason) => reason !== null);
            return { bundleId, uuid: profile.uuid, ok: wrong.length === 0, reason: wrong.join('; ') };
          } catch (error) {
            if (!(error instanceof ResealError)) throw error;
            return { bundleId, uuid: profile.uuid, ok: false, reason: error.message };
          }
        }),
      );
    });
    const ok = entries.every((entry) => entry.ok);
    context.output.show({ schemaVersion: 1, manifest: sha256, ok, entries }, () => [
      ...context.output.table(
        ['BUNDLE', 'UUID', 'VERDICT', 'REASON'],
        entries.map((entry) => [
          entry.bundleId,
          entry.uuid,
          entry.ok ? { text: 'ok', style: 'green' } : { text: 'FAILED', style: 'red' },
          entry.reason,
        ]),
      ),
      ok ? `Manifest ${sha256} holds.` : `Manifest ${sha256} does not hold.`,
    ]);
    return ok ? 0 : 1;
  },
});
