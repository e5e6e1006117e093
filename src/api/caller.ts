import { grantedBy, type ApiRole } from '../domain/api-roles.js';

/** Somebody whose token counts. */
export interface Caller {
  /** The subject of a token, as its provider names it; of the home's own token what it is. For limits and the record. */
  readonly name: string;
  /** As they were given. */
  readonly roles: readonly ApiRole[];
  /** Who of the roster it is, by the provider; null: nobody. Missing where nothing says it: then `by` is believed. */
  readonly person?: string | null;
  /** Milliseconds since 1970; nobody follows anything beyond it. Missing: the token does not expire. */
  readonly until?: number;
}

/** Whoever has the token of the home: the account that runs the API. */
export const HOME_CALLER: Caller = { name: 'the token of the home', roles: ['operator', 'approver'] };

export const mayBe = ({ roles }: Caller, role: ApiRole): boolean => grantedBy(roles).has(role);

/** Whether somebody may ask in a person's name. */
export const speaksFor = ({ person }: Caller, by: string): boolean => person === undefined || person === by;

declare module 'hono' {
  interface ContextVariableMap {
    /** Missing on routes that need no token. */
    caller?: Caller;
    /** The person in whose name something is asked, as the body says. */
    person?: string;
  }
}
