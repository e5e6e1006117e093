import { cpSync } from 'node:fs';
import { openAppleHierarchy } from '../../src/simulator/apple-hierarchy.js';
import { TEAM } from '../../src/simulator/mesh/spec.js';
import { oncePerRun } from './once-per-run.js';

const YEAR = 365 * 86_400_000;

/**
 * A copy of the simulated Apple of this test run, with one certificate issued: its keys take a second to find, so they are found once. A test that
 * needs a second Apple, which trusts nothing of the first, opens one of its own (`openAppleHierarchy`).
 * @param target where it is to be; nothing is there yet
 */
export async function copyApple(target: string): Promise<void> {
  const made = await oncePerRun('apple', async (draft) => {
    const apple = await openAppleHierarchy(draft);
    const now = Math.floor(Date.now() / 1000) * 1000;
    await apple.issueCertificate({
      commonName: `Apple Distribution: Acme GmbH (${TEAM})`,
      team: TEAM,
      notBefore: new Date(now - YEAR / 10),
      notAfter: new Date(now + 0.9 * YEAR),
    });
  });
  cpSync(made, target, { recursive: true });
}
