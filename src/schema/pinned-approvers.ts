import { z } from 'zod';

/** `approvers.json` in the state of a node or a gateway: `PinnedApprovers`. */
export const PinnedApproversSchema = z.strictObject({
  schemaVersion: z.literal(1),
  installation: z.string().min(1),
  keys: z.record(z.string().min(1), z.array(z.string().min(1)).min(1)),
  needed: z.int().min(1),
  roster: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  number: z.int().min(1).optional(),
  canary: z.array(z.string().min(1)),
});
