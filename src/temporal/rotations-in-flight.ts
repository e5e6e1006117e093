import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { LineName } from '../domain/brands.js';

/** Whether a rotation of a line is in flight, as Temporal knows: its workflow is open. */
export const rotationsInFlight =
  (client: Client) =>
  async (line: LineName): Promise<boolean> => {
    try {
      return (await client.workflow.getHandle(`rotation/${line}`).describe()).status.name === 'RUNNING';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  };
