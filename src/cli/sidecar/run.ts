import { resolve } from 'node:path';
import { findRcodesign } from '../../mac/rcodesign.js';
import { startSidecar } from '../../sidecar/server.js';
import { defineCommand } from '../command.js';
import { aborted } from '../run-service.js';

export const command = defineCommand({
  description: 'Hold signing keys that no node has, and sign what builds and canaries bring',
  arguments: {},
  options: {
    file: { kind: 'text', description: 'sidecar.yaml: socket, aliases and where their keys are', required: true, value: 'FILE' },
  },
  async handler(context, _, { file }) {
    const signal = context.interrupted();
    // What is signed here whoever asked, another account of the same group, takes away.
    process.umask(0o007);
    const running = await startSidecar({
      file: resolve(context.cwd, file),
      rcodesign: findRcodesign(context.env),
      env: context.env,
      now: () => context.now(),
      say: (line) => { context.output.diagnostic(line); }, // prettier-ignore
    });
    if (running.signer === 'stand-in') context.output.diagnostic('signer: stand-in. It signs nothing, and says so wherever it is asked.');
    context.output.diagnostic(`Listens at ${running.socket}. Ctrl-C ends it.`);
    await aborted(signal);
    await running.stop();
  },
});
