import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSecret, type SecretSource } from '../../src/secret/read-secret.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-secret-'));
  writeFileSync(join(folder, 'secret'), 'hunter2\n', { mode: 0o600 });
  writeFileSync(join(folder, 'open'), 'hunter2\n', { mode: 0o644 });
  writeFileSync(join(folder, 'empty'), '\n', { mode: 0o600 });
  writeFileSync(join(folder, 'prints'), '#!/bin/sh\necho hunter2\n');
  writeFileSync(join(folder, 'fails'), '#!/bin/sh\necho hunter2\necho hunter2 >&2\nexit 3\n');
  for (const name of ['prints', 'fails']) chmodSync(join(folder, name), 0o755);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);
const read = (source: SecretSource): Promise<string> =>
  readSecret(source, 'The passphrase of source match', 'sources.match.passphrase', { ...process.env, SET: 'hunter2' });

describe('secrets of sources (T1)', () => {
  it.each<[string, () => SecretSource]>([
    ['a file of this account alone', () => ({ file: at('secret') })],
    ['the environment', () => ({ environment: 'SET' })],
    ['a command', () => ({ command: [at('prints')] })],
  ])('come from %s', async (_, source) => {
    expect((await read(source())).trim()).toBe('hunter2');
  });

  it.each<[string, () => SecretSource, RegExp]>([
    ['a file that is not there', () => ({ file: at('nowhere') }), /the file .*nowhere is not there\./],
    ['a file that others may read', () => ({ file: at('open') }), /can be read by other accounts; give it mode 0600/],
    ['an empty file', () => ({ file: at('empty') }), /is empty/],
    ['a folder', () => ({ file: folder }), /is no regular file/],
    ['a variable that is not set', () => ({ environment: 'UNSET' }), /the environment variable UNSET is not set here/],
    ['a command that fails', () => ({ command: [at('fails'), '--token=abc'] }), /the command .*fails ended with 3/],
    ['a command by its name alone', () => ({ command: ['cat'] }), /is no absolute path/],
  ])('say of %s what is wrong, and nothing of what they hold', async (_, source, sentence) => {
    const error = await read(source()).then(
      () => null,
      (cause: unknown) => cause as Error,
    );
    expect(error).toMatchObject({ code: 'SOURCE_REFUSED', message: expect.stringMatching(sentence) });
    expect(error?.message).toMatch(/^The passphrase of source match is not to be had.*sources\.match\.passphrase in reseal\.yaml\.$/);
    expect(`${error?.message} ${String(error?.stack)}`).not.toMatch(/hunter2|token=abc/);
  });
});
