import { renderSettings } from '../../manifest/settings.js';
import { defineCommand } from '../command.js';
import { readNamed } from './read.js';

export const command = defineCommand({
  description: 'Print what builds read: the xcconfig and export options of a manifest',
  arguments: {},
  options: { manifest: { kind: 'text', description: 'A path, a SHA-256, or a line (its head)', required: true, value: 'SHA' } },
  async handler(context, _, { manifest: name }) {
    const { sha256, manifest } = await readNamed(context, name);
    const files = renderSettings(manifest, sha256).map((file) => ({ path: file.path, text: new TextDecoder().decode(file.bytes) }));
    context.output.show({ schemaVersion: 1, manifest: sha256, files }, () =>
      files.flatMap((file) => [context.output.styled(`# ${file.path}`, 'dim'), file.text]),
    );
  },
});
