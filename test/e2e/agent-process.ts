import '../setup/quiet-runtime.js';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeName } from '../../src/domain/brands.js';
import { startAgent } from '../../src/temporal/agent/agent.js';
import { flipBit } from './corruption.js';
import { profileFolder } from './node-truth.js';

export interface AgentProcessArguments {
  readonly folder: string;
  readonly address: string;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly node: string;
  readonly home: string;
  /** The step in the middle of which the process kills itself with -9. */
  readonly dieBefore?: string;
  /** Every profile that is written reads otherwise afterwards. */
  readonly lies?: true;
}

/** An agent in a process of its own: `node --import tsx test/e2e/agent-process.ts '<json>'`. */
const given = JSON.parse(process.argv[2] ?? '{}') as AgentProcessArguments;
const agent = await startAgent({
  folder: given.folder,
  home: given.home,
  temporal: { address: given.address, namespace: given.namespace },
  nodes: [{ name: given.node as NodeName, home: given.home }],
  // The programs of a simulated Mac, where it is one; never those of this machine under their names.
  path: existsSync(join(given.home, 'bin')) ? `${join(given.home, 'bin')}:/usr/bin:/bin` : '/nonexistent',
  port: 0,
  taskQueue: given.taskQueue,
  hooks: {
    beforeEffect: ({ do: step }) => {
      if (step === given.dieBefore) process.kill(process.pid, 'SIGKILL');
    },
    afterStep: (step) => {
      if (given.lies && step.do === 'put-profile') flipBit(join(profileFolder(given.home, step.placement.folder), step.placement.fileName));
    },
  },
});
process.on('SIGTERM', () => void agent.stop());
process.stdout.write('ready\n');
await agent.ended;
