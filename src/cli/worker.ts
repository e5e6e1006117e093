import { loadConfiguration } from '../configuration/load.js';
import { configFolder } from './config-folder.js';
import { defineCommand, type Context } from './command.js';
import { homeFolder } from './home.js';
import { aborted, runService, whereText } from './run-service.js';
import { serverOf } from './temporal-server.js';

export const command = defineCommand({
  description: 'Run a worker: workflows, and the nodes that it reaches',
  arguments: {},
  options: {
    gateway: { kind: 'text', description: 'Serve only the hosts (reach: ssh) of this region, and nothing else', value: 'REGION' },
  },
  handler: (context, _, { gateway }) =>
    gateway === undefined
      ? runService(context, ['worker'], (service) => [...whereText(service), 'Ctrl-C ends it.'])
      : runGateway(context, gateway),
});

/** Neither database nor embedded servers: a gateway stands where its hosts are. */
async function runGateway(context: Context, region: string): Promise<void> {
  const signal = context.interrupted();
  const folder = configFolder(context);
  const temporal = serverOf(loadConfiguration(folder), 'worker --gateway');
  const { quietRuntime } = await import('../temporal/quiet-runtime.js');
  const { startGateway } = await import('../temporal/gateway.js');
  quietRuntime();
  const home = homeFolder(context.home, context.env, context.cwd);
  const running = await startGateway({ folder, home, region, temporal, env: context.env });
  context.output.diagnostic(`Serves the hosts of ${region}. Ctrl-C ends it.`);
  try {
    await Promise.race([running.ended, aborted(signal)]);
  } finally {
    await running.stop();
  }
}
