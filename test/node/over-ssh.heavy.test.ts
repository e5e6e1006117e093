import { afterEach, describe } from 'vitest';
import { sshdMissing } from '../setup/sshd.js';
import { reachNodesOver, stopHosts } from './mesh.js';

reachNodesOver('ssh');

/** Every promise that a node keeps, kept by a node that is reached over SSH: the tests are those of local nodes, on a real sshd. */
describe.skipIf(sshdMissing !== null)(`over SSH${sshdMissing === null ? '' : ` (${sshdMissing})`}`, async () => {
  afterEach(stopHosts);
  await import('./operations.test.js');
  await import('./probe.test.js');
  await import('./fencing.test.js');
  await import('./interrupted.test.js');
  await import('./faults.test.js');
  await import('./pins.test.js');
});
