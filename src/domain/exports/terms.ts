import type { Duration } from '../brands.js';

/** What the policy says of exports. */
export interface ExportTerms {
  /** Persons who have to approve; never fewer than `LEAST_APPROVALS`. */
  readonly approvals: number;
  /** What is not approved by then has expired. */
  readonly approveWithin: Duration;
  /** How long after it was sealed it may be fetched, where the request does not say so. */
  readonly fetchWithin: Duration;
  /** The longest that a request may say. */
  readonly longest: Duration;
}

/** No configuration goes below: nobody carries a key away with one other person's word. */
export const LEAST_APPROVALS = 2;
