import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { loadConfiguration } from '../../configuration/load.js';
import type { NodeName } from '../../domain/brands.js';
import { configFolder } from '../config-folder.js';
import { defineCommand } from '../command.js';
import { homeFolder } from '../home.js';
import { aborted } from '../run-service.js';
import { serverOf } from '../temporal-server.js';

export const command = defineCommand({
  description: 'Serve this Mac as a node; exit 4 where the node has an agent already',
  arguments: {},
  options: {
    node: {
      kind: 'list',
      description: 'The node of topology.yaml that this Mac is; several only where one machine stands in for a mesh',
      required: true,
      value: 'NAME',
    },
    buildsHome: {
      kind: 'text',
      description: "Home of the account that builds, where Xcode reads profiles; {node} stands for the node's name. Default: your own",
      value: 'DIR',
    },
    port: {
      kind: 'count',
      description: 'Of the health endpoint on loopback; default: a free one, told in <state>/agent.json',
      value: 'PORT',
    },
  },
  async handler(context, _, { node, buildsHome, port }) {
    const signal = context.interrupted();
    const folder = configFolder(context);
    const temporal = serverOf(loadConfiguration(folder), 'agent run');
    const names = [...new Set(node)] as NodeName[];
    const homeOf = (name: NodeName): string =>
      buildsHome === undefined ? homedir() : resolve(context.cwd, buildsHome.replaceAll('{node}', name));
    // Before anything loads the SDK.
    const { withoutBundler } = await import('../../temporal/agent/without-bundler.js');
    withoutBundler();
    const { quietRuntime } = await import('../../temporal/quiet-runtime.js');
    const { startAgent } = await import('../../temporal/agent/agent.js');
    quietRuntime();
    const agent = await startAgent({
      folder,
      home: homeFolder(context.home, context.env, context.cwd),
      temporal,
      nodes: names.map((name) => ({ name, home: homeOf(name) })),
      path: context.env['PATH'],
      env: context.env,
      port: port ?? 0,
    });
    context.output.diagnostic(`Serves ${names.join(', ')}. Health: ${agent.health}`);
    await Promise.race([agent.ended, aborted(signal)]);
    if (signal.aborted) context.output.diagnostic('Ends when what it has begun is done.');
    await agent.stop();
  },
});
