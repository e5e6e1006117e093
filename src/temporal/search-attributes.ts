import { Client, type Connection } from '@temporalio/client';
import { ResealError } from '../domain/errors.js';

/** `temporal.api.enums.v1.IndexedValueType` of the types that reseal uses. */
const INDEXED_VALUE_TYPE = { Keyword: 2, Datetime: 6 } as const;

/** What people list rotations by. Never encrypted, so nothing confidential goes in. */
export const SEARCH_ATTRIBUTES = {
  ResealLine: 'Keyword',
  ResealRotation: 'Keyword',
  ResealPhase: 'Keyword',
  ResealOutcome: 'Keyword',
  ResealQuestion: 'Keyword',
  ResealTicket: 'Keyword',
  ResealTrigger: 'Keyword',
  ResealHorizon: 'Datetime',
} as const satisfies Record<string, keyof typeof INDEXED_VALUE_TYPE>;

export type SearchAttributeName = keyof typeof SEARCH_ATTRIBUTES;

const NAMES = Object.keys(SEARCH_ATTRIBUTES) as SearchAttributeName[];

async function registered(connection: Connection, namespace: string): Promise<Readonly<Partial<Record<string, number>>>> {
  const answer = await connection.operatorService.listSearchAttributes({ namespace });
  return answer.customAttributes;
}

/** Upserting an attribute that the visibility store does not know yet wedges a workflow task: a query by each of them must be accepted. */
async function usable(client: Client): Promise<boolean> {
  try {
    const query = NAMES.map((name) => `${name} IS NULL`).join(' AND ');
    await client.workflow.count(query);
    return true;
  } catch {
    return false;
  }
}

/**
 * Registers reseal's search attributes in a namespace where they are missing, and returns once they can be used. Throws
 * CONFIG_INVALID when one exists with another type, TEMPORAL_UNREACHABLE when they are not usable within `timeout` milliseconds.
 */
export async function registerSearchAttributes(connection: Connection, namespace: string, timeout = 30_000): Promise<void> {
  const before = await registered(connection, namespace);
  const clashes = NAMES.filter((name) => before[name] !== undefined && before[name] !== INDEXED_VALUE_TYPE[SEARCH_ATTRIBUTES[name]]);
  if (clashes.length > 0) {
    throw new ResealError(
      'CONFIG_INVALID',
      `Namespace ${namespace} has search attributes of other types than reseal needs. Use another namespace, or remove them.`,
      {
        details: clashes.map((name) => `${name} must be of type ${SEARCH_ATTRIBUTES[name]}`),
      },
    );
  }
  const missing = NAMES.filter((name) => before[name] === undefined);
  if (missing.length > 0) {
    const searchAttributes = Object.fromEntries(missing.map((name) => [name, INDEXED_VALUE_TYPE[SEARCH_ATTRIBUTES[name]]]));
    try {
      await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
    } catch (error) {
      // Another process registered them in the same moment; whether all are there is seen below.
      if (!/already exists/i.test(String(error))) throw error;
    }
  }
  const client = new Client({ connection, namespace });
  const deadline = Date.now() + timeout;
  while (!(await usable(client))) {
    if (Date.now() > deadline) {
      throw new ResealError(
        'TEMPORAL_UNREACHABLE',
        `Temporal has not made the search attributes of namespace ${namespace} usable within ${Math.round(timeout / 1000)} s.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
