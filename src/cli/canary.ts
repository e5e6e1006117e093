import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { startCanary } from '../node-shell/canary/server.js';
import { defineCommand } from './command.js';
import { aborted } from './run-service.js';

export const command = defineCommand({
  description: 'Run the canary process in the session that builds: looks at keychains and signs canaries for the agent',
  arguments: {},
  options: {
    socket: { kind: 'text', description: 'Where the agent reaches it: agent.canary of reseal.yaml', required: true, value: 'PATH' },
    bundles: { kind: 'list', description: 'Folders in which canary bundles are signed; default: the one of the socket', value: 'DIR' },
  },
  async handler(context, _, { socket, bundles }) {
    const signal = context.interrupted();
    const path = resolve(context.cwd, socket);
    const folders = bundles.length === 0 ? [dirname(path)] : bundles.map((one) => resolve(context.cwd, one));
    const running = await startCanary({ socket: path, bundles: folders, home: homedir(), path: context.env['PATH'] });
    context.output.diagnostic(`Listens at ${path}. Ctrl-C ends it.`);
    await aborted(signal);
    await running.stop();
  },
});
