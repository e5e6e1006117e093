/** What the installation signs of an order to a node that others serve: which operation, and everything that the order says. */
export interface OrderStatement {
  readonly schema: 'reseal-order-v1';
  /** Name of the activity. */
  readonly operation: string;
  /** Without its signature. */
  readonly order: Readonly<Record<string, unknown>>;
}

export function orderStatement(operation: string, order: object): OrderStatement {
  const said: Record<string, unknown> = { ...order };
  delete said['signature'];
  return { schema: 'reseal-order-v1', operation, order: said };
}
