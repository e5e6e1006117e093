import type { ResealConfiguration } from '../schema/reseal.js';
import { readSecret } from '../secret/read-secret.js';
import { readMachineKey, type MachineKey } from '../statement/machine-key.js';

/**
 * The key that the installation signs its orders with, read now.
 * @throws ResealError SOURCE_REFUSED where it is not to be had, IDENTITY_UNAVAILABLE where it is none
 */
export async function readOrderKey({ key }: NonNullable<ResealConfiguration['orders']>, env: NodeJS.ProcessEnv): Promise<MachineKey> {
  const secret = await readSecret(key, 'The key that orders are signed with', 'orders.key', env);
  return readMachineKey(secret, 'file' in key ? key.file : 'orders.key of reseal.yaml', 'reseal order-key new');
}
