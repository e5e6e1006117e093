import { existsSync } from 'node:fs';
import { readOrderKey } from '../../identity/order-key.js';
import type { ResealConfiguration } from '../../schema/reseal.js';
import { fingerprintOf } from '../../statement/standing.js';
import { pass, settle, type DoctorCheck } from './finding.js';

const CHECK = 'order key';

/** Whether workers on this machine can sign orders. */
export async function checkOrderKey(orders: NonNullable<ResealConfiguration['orders']>, env: NodeJS.ProcessEnv): Promise<DoctorCheck> {
  if ('file' in orders.key && !existsSync(orders.key.file))
    return {
      check: CHECK,
      verdict: 'later',
      reason: `there is no ${orders.key.file} on this machine, so a worker here could sign no order`,
      remedy:
        'None is needed where only an agent or a gateway runs; for workers `reseal order-key new` makes the first one, and the others need the same.',
    };
  return settle(CHECK, async () => pass(`orders are signed by ${fingerprintOf((await readOrderKey(orders, env)).line)}`));
}
