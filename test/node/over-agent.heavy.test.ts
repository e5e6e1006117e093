import { describe } from 'vitest';
import { reachNodesOver } from './mesh.js';

reachNodesOver('agent');

/** Every promise that a node keeps, kept by the Mac that an agent runs on: the tests are those of simulated nodes, with paths as they are here. */
describe('as an agent reaches them', async () => {
  await import('./operations.test.js');
  await import('./probe.test.js');
  await import('./fencing.test.js');
  await import('./interrupted.test.js');
  await import('./faults.test.js');
  await import('./pins.test.js');
});
