import { explore } from '../test/exploration/explore.js';
for (const limits of [{ waves: [1], maxUnavailable: 1, faults: 2, commands: 2 }]) {
  const t = Date.now();
  const e = explore(limits as never);
  console.log(e.states, e.transitions, (Date.now() - t) / 1000, e.violation, [...e.said].filter((s) => s.startsWith('rolling-back')), e.ends);
}
