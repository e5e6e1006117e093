import { defineCommand } from '../command.js';
import { MANIFEST, readNamed } from './read.js';

export const command = defineCommand({
  description: "Print a manifest's digests",
  arguments: MANIFEST,
  options: {},
  async handler(context, { manifest: name }) {
    const { sha256, sha1, manifest } = await readNamed(context, name);
    const view = { schemaVersion: 1, line: manifest.line, sha256, sha1 };
    context.output.show(view, () => [`sha256 ${sha256}`, `sha1   ${sha1}`]);
  },
});
