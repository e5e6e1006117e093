import type { GlassPlan, GlassResult } from '../../src/domain/node/break-glass.js';

/** What a person does to a node where no control plane is, in their own process. */
export interface GlassOrder extends GlassPlan {
  readonly ticket: string;
  /** Who says it: by the roster, or the account. Nobody has proved it. */
  readonly by: string;
  /** Account and machine. */
  readonly account: string;
}

export interface BreakGlassActivities {
  restoreUnasked(order: GlassOrder): Promise<GlassResult>;
}
