/** What a caller of the control API may be; the least first. */
export const API_ROLES = ['reader', 'pipeline', 'operator', 'approver'] as const;
export type ApiRole = (typeof API_ROLES)[number];

/** What each role may do beside its own: whoever works with something has to see it. */
const INCLUDED: Readonly<Record<ApiRole, readonly ApiRole[]>> = {
  reader: ['reader'],
  pipeline: ['reader', 'pipeline'],
  operator: ['reader', 'pipeline', 'operator'],
  approver: ['reader', 'approver'],
};

/** Everything that somebody with these roles may be. */
export const grantedBy = (roles: readonly ApiRole[]): ReadonlySet<ApiRole> => new Set(roles.flatMap((role) => INCLUDED[role]));
