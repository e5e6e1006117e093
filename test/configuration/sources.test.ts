import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../src/configuration/load.js';

const EXAMPLE = fileURLToPath(new URL('./example', import.meta.url));
const ISSUER = '57246542-96fe-1a63-e053-0824d011072a';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-config-sources-'));
  cpSync(EXAMPLE, folder, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The example with one more source. */
function load(source: string) {
  const path = join(folder, 'reseal.yaml');
  const text = readFileSync(path, 'utf8');
  const changed = text.replace(/^sources:.*$/m, `sources: { drop: { kind: drop, path: ./drop }, extra: ${source} }`);
  expect(changed).not.toBe(text);
  writeFileSync(path, changed);
  return loadConfiguration(folder).reseal.sources['extra'];
}

const details = (source: string): string => {
  try {
    load(source);
  } catch (error) {
    return (error as { details: readonly string[] }).details.join('\n');
  }
  return 'it holds';
};

describe('sources of reseal.yaml (S16)', () => {
  it('have defaults, and paths that begin at the folder of the configuration', () => {
    expect(load('{ kind: match, url: ./certificates.git, passphrase: { file: ./passphrase } }')).toEqual({
      kind: 'match',
      url: join(folder, 'certificates.git'),
      branch: 'master',
      passphrase: { file: join(folder, 'passphrase') },
      writeBack: false,
      timeout: 20_000,
    });
  });

  it('leave addresses of repositories as they are', () => {
    expect(
      load('{ kind: match, url: "git@example.com:acme/certificates.git", passphrase: { environment: MATCH_PASSWORD } }'),
    ).toMatchObject({
      url: 'git@example.com:acme/certificates.git',
    });
  });

  it('ask Apple itself unless they say otherwise, and make nothing', () => {
    expect(load(`{ kind: app-store-connect, keyId: 2X9R4HXF34, issuerId: ${ISSUER}, key: { file: ./key.p8 } }`)).toEqual({
      kind: 'app-store-connect',
      keyId: '2X9R4HXF34',
      issuerId: ISSUER,
      key: { file: join(folder, 'key.p8') },
      successors: 'found',
      url: 'https://api.appstoreconnect.apple.com',
      timeout: 30_000,
    });
  });

  it.each([
    ['a kind that is none', '{ kind: s3, path: x }', 'expected a source of kind drop, match or app-store-connect'],
    [
      'a passphrase in the open',
      '{ kind: match, url: x, passphrase: hunter2 }',
      'expected one of file: PATH, environment: NAME, command: [PROGRAM, ARGUMENT…]',
    ],
    [
      'credentials in an address',
      '{ kind: match, url: "https://a:geheim@example.com/x.git", passphrase: { environment: X } }',
      'found an address with credentials in it',
    ],
    [
      'an issuer that is none',
      '{ kind: app-store-connect, keyId: A1, issuerId: acme, key: { environment: X } }',
      'expected the issuer id of your team',
    ],
    [
      'an address without TLS',
      `{ kind: app-store-connect, keyId: A1, issuerId: ${ISSUER}, key: { environment: X }, url: "http://example.com" }`,
      'http only on this machine',
    ],
    [
      'an address that ends elsewhere',
      `{ kind: app-store-connect, keyId: A1, issuerId: ${ISSUER}, key: { environment: X }, url: "http://127.0.0.1.example.com" }`,
      'http only on this machine',
    ],
  ])('refuse %s, with file, line and field', (_, source, expected) => {
    const found = details(source);
    expect(found).toMatch(/^reseal\.yaml:\d+ sources\.extra/);
    expect(found).toContain(expected);
    expect(found).not.toContain('geheim');
  });
});
