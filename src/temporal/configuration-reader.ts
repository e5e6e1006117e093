import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfiguration, type Configuration } from '../configuration/load.js';

interface Known {
  readonly configuration: Configuration;
  readonly written: readonly Buffer[];
}

/**
 * Reads a configuration folder anew whenever it is asked, and parses what it read only if a byte of it has changed: a topology of a thousand nodes
 * takes hundreds of milliseconds to parse and check, and less than one to read (docs/benchmarks.md). The answers are shared: do not change them.
 * @throws ResealError CONFIG_MISSING, CONFIG_INVALID, as `loadConfiguration`
 */
export function configurationReader(folder: string): () => Configuration {
  const paths = ['topology', 'policy', 'roster', 'reseal'].map((name) => join(folder, `${name}.yaml`));
  let known: Known | null = null;
  return () => {
    const before = bytesOf(paths);
    if (known !== null && before !== null && same(before, known.written)) return known.configuration;
    known = null;
    const configuration = loadConfiguration(folder);
    // Parsed between two equal readings, so that it is what was read: somebody may be writing.
    const after = bytesOf(paths);
    if (before !== null && after !== null && same(before, after)) known = { configuration, written: after };
    return configuration;
  };
}

/** Null where one of the files cannot be read: saying why is the parser's business. */
function bytesOf(paths: readonly string[]): readonly Buffer[] | null {
  try {
    return paths.map((path) => readFileSync(path));
  } catch {
    return null;
  }
}

const same = (some: readonly Buffer[], others: readonly Buffer[]): boolean =>
  some.every((bytes, position) => others[position]?.equals(bytes) === true);
