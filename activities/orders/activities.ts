import { ApplicationFailure } from '@temporalio/common';
import { ResealError } from '../../src/domain/errors.js';
import { orderStatement } from '../../src/domain/node/order-signature.js';
import type { MachineKey } from '../../src/statement/machine-key.js';
import type { OrderActivities } from './contract.js';

/** @param key of the installation, read when it is needed: replacing it does not want a restart */
export function createOrderActivities(key: () => Promise<MachineKey>): OrderActivities {
  return {
    signOrder: async ({ operation, order }) => {
      try {
        return (await key()).sign(orderStatement(operation, order));
      } catch (error) {
        if (error instanceof ResealError) throw ApplicationFailure.nonRetryable(error.message, 'IDENTITY_UNAVAILABLE');
        throw error;
      }
    },
  };
}
