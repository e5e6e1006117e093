import { cpSync } from 'node:fs';
import { openAppleHierarchy } from '../../src/simulator/apple-hierarchy.js';
import { TEAM } from '../../src/simulator/mesh/spec.js';
import { oncePerRun } from './once-per-run.js';

const YEAR = 365 * 86_400_000;

/** The authorities of a simulated Apple, found once per test run: finding their four keys takes a second of a processor's time. */
const authorities = (): Promise<string> => oncePerRun('authorities', (draft) => openAppleHierarchy(draft));

/**
 * A copy of the simulated Apple of this test run, which has issued nothing. All copies are one Apple: a test that needs a second one, which trusts
 * nothing of the first, opens one of its own (`openAppleHierarchy`).
 * @param target where it is to be; nothing is there yet
 */
export async function copyAuthorities(target: string): Promise<void> {
  cpSync(await authorities(), target, { recursive: true });
}

/** As `copyAuthorities`, with one certificate issued. */
export async function copyApple(target: string): Promise<void> {
  const from = await authorities();
  const made = await oncePerRun('apple', async (draft) => {
    cpSync(from, draft, { recursive: true });
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
