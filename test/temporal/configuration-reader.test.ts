import { cpSync, mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configurationReader } from '../../src/temporal/configuration-reader.js';

const EXAMPLE = fileURLToPath(new URL('../configuration/example', import.meta.url));

describe('reading a configuration again and again', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'reseal-reader-'));
    cpSync(EXAMPLE, folder, { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const append = (file: string, text: string): void => writeFileSync(join(folder, file), readFileSync(join(folder, file), 'utf8') + text);

  it('answers the same parsed configuration as long as no byte has changed', () => {
    const read = configurationReader(folder);
    const first = read();
    expect(read()).toBe(first);
    writeFileSync(join(folder, 'policy.yaml'), readFileSync(join(folder, 'policy.yaml')));
    expect(read()).toBe(first);
  });

  it.each(['topology.yaml', 'policy.yaml', 'roster.yaml', 'reseal.yaml'])('parses again as soon as %s has changed', (file) => {
    const read = configurationReader(folder);
    const first = read();
    append(file, '# one more line\n');
    const second = read();
    expect(second).not.toBe(first);
    expect(second).toEqual(first);
  });

  it('says what is wrong as soon as it is wrong, and is right again afterwards', () => {
    const read = configurationReader(folder);
    const first = read();
    const roster = readFileSync(join(folder, 'roster.yaml'));
    append('roster.yaml', 'nonsense: 1\n');
    expect(() => read()).toThrow(/wrong/);
    unlinkSync(join(folder, 'roster.yaml'));
    expect(() => read()).toThrow(/no roster\.yaml/);
    writeFileSync(join(folder, 'roster.yaml'), roster);
    expect(read()).toEqual(first);
  });
});
