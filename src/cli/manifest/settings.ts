import { renderSettings } from '../../manifest/settings.js';
import type { LineName } from '../../domain/brands.js';
import { defineCommand, type Context } from '../command.js';
import { isPath, readNamed, withStoresToRead } from './read.js';

/** What a file says it says by itself; of a line or digest the configuration is at hand, which tells where its keys are. */
async function keysOf(context: Context, name: string, line: LineName): Promise<'nodes' | 'sidecar'> {
  if (isPath(name)) return 'nodes';
  return withStoresToRead(context, async ({ topology }) => (topology.lines[line]?.identity === 'sidecar' ? 'sidecar' : 'nodes'));
}

export const command = defineCommand({
  description: 'Print what builds read: the xcconfig and export options of a manifest',
  arguments: {},
  options: { manifest: { kind: 'text', description: 'A path, a SHA-256, or a line (its head)', required: true, value: 'SHA' } },
  async handler(context, _, { manifest: name }) {
    const { sha256, manifest } = await readNamed(context, name);
    const files = renderSettings(manifest, sha256, { keys: await keysOf(context, name, manifest.line) }).map((file) => ({
      path: file.path,
      text: new TextDecoder().decode(file.bytes),
    }));
    context.output.show({ schemaVersion: 1, manifest: sha256, files }, () =>
      files.flatMap((file) => [context.output.styled(`# ${file.path}`, 'dim'), file.text]),
    );
  },
});
