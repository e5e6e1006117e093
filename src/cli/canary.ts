import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { startCanary } from '../node-shell/canary/server.js';
import { bundlesFolder } from '../node-shell/socket/trusted.js';
import { defineCommand } from './command.js';
import { aborted } from './run-service.js';

export const command = defineCommand({
  description: 'Run the canary process in the session that builds: looks at keychains and signs canaries for the agent',
  arguments: {},
  options: {
    socket: { kind: 'text', description: 'Where the agent reaches it: agent.canary of reseal.yaml', required: true, value: 'PATH' },
  },
  async handler(context, _, { socket }) {
    const signal = context.interrupted();
    const path = resolve(context.cwd, socket);
    // What is signed here the agent, another account of the same group, takes away again.
    process.umask(0o007);
    const running = await startCanary({ socket: path, bundles: [bundlesFolder(path)], home: homedir(), path: context.env['PATH'] });
    context.output.diagnostic(`Listens at ${path}. Ctrl-C ends it.`);
    await aborted(signal);
    await running.stop();
  },
});
