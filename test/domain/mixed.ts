/** The same items in another order, by a stream of numbers. */
export function mixed<T>(items: readonly T[], random: { next(): { readonly value?: unknown } }): readonly T[] {
  return items
    .map((item) => ({ item, key: Number(random.next().value) }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
