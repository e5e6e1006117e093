/** Tries in all: each runs the target once. */
const TRIES = 3_000;
/** Milliseconds. */
const PATIENCE = 5_000;

/**
 * Leaves out whatever can be left out of an input that fails, halves first, single bytes last (delta debugging: Zeller and Hildebrandt, 2002).
 * @param fails whether bytes fail too
 */
export function shortened(input: Uint8Array, fails: (bytes: Uint8Array) => boolean): Uint8Array {
  const ends = performance.now() + PATIENCE;
  let bytes = input;
  let tries = 0;
  for (let size = Math.ceil(bytes.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < bytes.length;) {
      if (tries >= TRIES || performance.now() > ends) return bytes;
      tries += 1;
      const without = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]);
      if (fails(without)) bytes = without;
      else at += size;
    }
  }
  return bytes;
}
