import { afterEach, describe } from 'vitest';
import { sshdMissing } from '../setup/sshd.js';
import { reachNodesOver, stopHosts } from './mesh.js';

reachNodesOver('ssh');

/** The canary over SSH: `reseal-node.sh` runs `codesign` and `xcodebuild`, and lets nothing be written but below mount and state. */
describe.skipIf(sshdMissing !== null)(`over SSH${sshdMissing === null ? '' : ` (${sshdMissing})`}`, async () => {
  afterEach(stopHosts);
  await import('./sign.heavy.test.js');
});
