/** What can be asked of a node, by the names of its activities. */
export const NODE_OPERATIONS = [
  'inspectNode',
  'stageNode',
  'switchNode',
  'retireNode',
  'restoreNode',
  'unstageNode',
  'purgeNode',
  'exportIdentity',
  'probeNodes',
] as const;

export type NodeOperationName = (typeof NODE_OPERATIONS)[number];

type Operations = Readonly<Record<NodeOperationName, (order: never) => Promise<unknown>>>;

/**
 * The same operations, each done in another way. Who has an operation that is not among `NODE_OPERATIONS` does not compile: it would be lost.
 * @param otherwise what answers in the place of one: it takes what that takes, and what it resolves to is what that resolves to
 */
export function eachOperation<T extends Operations>(
  operations: T & Readonly<Record<Exclude<keyof T, NodeOperationName>, never>>,
  otherwise: (name: NodeOperationName, operate: (order: object) => Promise<unknown>) => (order: never) => Promise<unknown>,
): T {
  // By name, since a proxy of activities lists none.
  const all = NODE_OPERATIONS.map((name) => [name, otherwise(name, operations[name] as (order: object) => Promise<unknown>)]);
  return Object.fromEntries(all) as T;
}
