/** A process of its own that works on a node: `runner.ts <home> stage|unstage <epoch> <opId> <times> [die-before <step>]`; prints how each turn ended. */
import { ApplicationFailure } from '@temporalio/common';
import { world } from './mesh.js';

const [home = '', what = '', epoch = '', opId = '', times = '1', , dieBefore = ''] = process.argv.slice(2);
const mesh = await world({ home });
const activities = mesh.activities({
  hooks: {
    beforeEffect: (step) => {
      if (step.do === dieBefore) process.kill(process.pid, 'SIGKILL');
    },
  },
});
for (let turn = 0; turn < Number(times); turn += 1) {
  const order = { ...mesh.order(Number(epoch), opId) };
  const work =
    what === 'stage'
      ? activities.stageNode({ ...order, to: mesh.to })
      : activities.unstageNode({ ...order, remove: mesh.to, keep: mesh.from });
  const ended = await work.then(
    (result) => result.outcome,
    (error: unknown) => (error instanceof ApplicationFailure ? error.type : String(error)),
  );
  process.stdout.write(`${ended ?? ''}\n`);
}
