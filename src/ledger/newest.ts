/** One item per key, the newest: PostgreSQL refuses to upsert one row twice in a statement. */
export function newestOf<T extends { readonly at: number }>(items: readonly T[], keyOf: (item: T) => string): T[] {
  const newest = new Map<string, T>();
  for (const item of items) {
    const other = newest.get(keyOf(item));
    if (other === undefined || other.at <= item.at) newest.set(keyOf(item), item);
  }
  return [...newest.values()];
}
