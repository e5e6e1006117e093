/** `npm run explore`: walks the rotation's state machine exhaustively and prints what was covered. */
import { explore, MESHES } from '../test/exploration/explore.js';

let broken = false;
for (const limits of MESHES) {
  const began = Date.now();
  const { states, transitions, commandsJudged, ends, violation } = explore(limits);
  const nodes = limits.waves.reduce((sum, wave) => sum + wave, 0);
  const ended = Object.entries(ends)
    .map(([phase, count]) => `${phase} ${count}`)
    .join(', ');
  console.log(
    `${nodes} nodes in cohorts of ${limits.waves.join('+')}, ${limits.faults} faults, ${limits.commands} commands: ` +
      `${states} states, ${transitions} transitions, ${commandsJudged} commands judged in ${((Date.now() - began) / 1000).toFixed(1)} s; ends: ${ended}`,
  );
  if (violation !== null) {
    broken = true;
    console.error(`BROKEN ${violation.invariant}: ${violation.what}\n  ${violation.trace.join('\n  ')}`);
  }
}
process.exitCode = broken ? 1 : 0;
