import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Orphans } from '../../activities/rotation/orphans.js';
import type { LineName } from '../domain/brands.js';
import { holdsLine } from '../domain/rotation/orphan.js';

/** Whether a rotation of a line is in flight: Temporal has its workflow open, or nodes wait for people to adopt one that was cut off. */
export const rotationsInFlight =
  (client: Client, orphans: Pick<Orphans, 'on'>) =>
  async (line: LineName): Promise<boolean> => {
    if (await isOpen(client, line)) return true;
    const orphan = await orphans.on(line);
    return orphan !== null && holdsLine(orphan);
  };

async function isOpen(client: Client, line: LineName): Promise<boolean> {
  try {
    return (await client.workflow.getHandle(`rotation/${line}`).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
