/**
 * Waits until `condition` gives something other than undefined, null or false, and returns it. A condition that throws counts as not
 * met yet; its last error is the cause of the failure at the deadline.
 */
export async function until<T>(
  condition: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  options: { readonly timeout?: number; readonly every?: number; readonly what?: string } = {},
): Promise<T> {
  const timeout = options.timeout ?? 60_000;
  const deadline = Date.now() + timeout;
  let last: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== undefined && value !== null && value !== false) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline)
      throw new Error(`${options.what ?? 'the condition'} did not come true within ${timeout} ms`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, options.every ?? 50));
  }
}
