/** `npm run explore`: walks the rotation's state machine exhaustively and prints what was covered. */
import { neverReached } from '../test/exploration/coverage.js';
import { explore, MESHES, type Explored } from '../test/exploration/explore.js';

const all: Explored[] = [];
for (const limits of MESHES) {
  const began = Date.now();
  const explored = explore(limits);
  all.push(explored);
  const { states, transitions, commandsJudged, ends, violation } = explored;
  const nodes = limits.waves.reduce((sum, wave) => sum + wave, 0);
  const ended = Object.entries(ends)
    .map(([phase, count]) => `${phase} ${count}`)
    .join(', ');
  const gates = limits.secondGate === true ? ', a second gate' : '';
  console.log(
    `${nodes} nodes in cohorts of ${limits.waves.join('+')}, ${limits.faults} faults, ${limits.commands} commands${gates}: ` +
      `${states} states, ${transitions} transitions, ${commandsJudged} commands judged in ${((Date.now() - began) / 1000).toFixed(1)} s; ends: ${ended}`,
  );
  if (violation !== null) {
    process.exitCode = 1;
    console.error(`BROKEN ${violation.invariant}: ${violation.what}\n  ${violation.trace.join('\n  ')}`);
  }
}
const said = new Set(all.flatMap((one) => [...one.said]));
console.log(`commands accepted, by phase: ${said.size}\n  ${[...said].sort().join('\n  ')}`);
const { phases, commands } = neverReached(all);
console.log(`never reached: ${[...phases, ...commands].join(', ') || 'nothing'}`);
if (phases.length + commands.length > 0) process.exitCode = 1;
