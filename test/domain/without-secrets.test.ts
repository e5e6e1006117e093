import { generateKeyPairSync } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { generateX25519Identity } from 'age-encryption';
import { describe, expect, it } from 'vitest';
import { createOutput } from '../../src/cli/output.js';
import { ResealError } from '../../src/domain/errors.js';
import { withoutSecrets } from '../../src/domain/without-secrets.js';

const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const inside = pem.split('\n')[1] ?? '';
const age = await generateX25519Identity();
const jwt = `eyJhbGciOiJFUzI1NiJ9.${Buffer.from('{"iss":"x"}').toString('base64url')}.c2lnbmF0dXJl`;

describe('what is told of trouble (T1)', () => {
  it.each([
    ['a private key', `openssl said: ${pem.trim()} and ended`, inside, 'openssl said: -----BEGIN PRIVATE KEY----- [left out] and ended'],
    ['a private key in JSON', JSON.stringify({ key: pem }), inside, '{"key":"-----BEGIN PRIVATE KEY----- [left out]\\n"}'],
    ['a private key that was cut off', pem.slice(0, 100), inside.slice(0, 40), '-----BEGIN PRIVATE KEY----- [left out]'],
    ['an age key', `cannot use ${age}.`, age, 'cannot use AGE-SECRET-KEY-1 [left out].'],
    ['a bearer token', 'Authorization: Bearer abcdefghijklmnop', 'abcdefghijklmnop', 'Authorization: Bearer [left out]'],
    ['a token of App Store Connect', `401 for ${jwt}`, jwt, '401 for [left out]'],
    [
      'the password of an address',
      "fatal: 'https://bot:hunter2@git.acme.test/s.git/'",
      'hunter2',
      "fatal: 'https://[left out]@git.acme.test/s.git/'",
    ],
    ['a webhook of Slack', 'POST https://hooks.slack.com/services/T0/B0/xyz: 404', 'xyz', 'POST https://hooks.slack.com/[left out] 404'],
    ['a signed query', 'GET /x?X-Amz-Signature=abc&y=1', 'abc', 'GET /x?X-Amz-Signature=[left out]&y=1'],
  ])('is without %s, in an error, its details and on stderr', (_, said, secret, told) => {
    expect(withoutSecrets(said)).toBe(told);
    const error = new ResealError('SOURCE_UNREACHABLE', said, { details: [said] });
    expect(error.message + error.details.join('')).not.toContain(secret);
    const stderr = new PassThrough();
    const output = createOutput({ stdout: new PassThrough(), stderr }, { json: false, env: {} });
    output.diagnostic(said);
    output.progress(said);
    expect(String(stderr.read())).not.toContain(secret);
  });

  it.each([
    'git@github.com:acme/store.git and ssh://git@git.acme.test/store.git, http://127.0.0.1:8080/v1',
    'The codec server needs its token, as Authorization: Bearer TOKEN.',
    'Provisioning profile 97134e8c-1f2a-4b4c-8d1e-0c1d2e3f4a5b of -----BEGIN CERTIFICATE-----',
    'age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj',
  ])('leaves %s as it is', (said) => {
    expect(withoutSecrets(said)).toBe(said);
  });
});
