import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { orderStatement } from '../../src/domain/node/order-signature.js';
import { reportStatement } from '../../src/domain/node/report-signature.js';
import { canonicalBytes } from '../../src/statement/canonical.js';
import { newMachineKey, orderSignature, readMachineKey, REPORT_NAMESPACE, reportSignature } from '../../src/statement/machine-key.js';

const folder = mkdtempSync(join(tmpdir(), 'reseal-node-key-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const ORDER = { node: 'ams-1', line: 'ios-main', rotation: 'ios-main-7', epoch: 7000, opId: 'ios-main-7/switch/7000' } as never;
const BODY = { node: 'ams-1', outcome: 'done', active: 'a'.repeat(64), reason: 'größer' };
const statement = (change: { operation?: string; nonce?: string; body?: unknown } = {}) =>
  reportStatement(change.operation ?? 'switchNode', ORDER, change.nonce ?? 'n-1', change.body ?? BODY);

describe('a node’s signature', () => {
  const key = readMachineKey(newMachineKey(), 'node.key', 'reseal node enroll');
  const other = readMachineKey(newMachineKey(), 'node.key', 'reseal node enroll');
  const signature = key.sign(statement());

  it('is what `ssh-keygen -Y verify` accepts, in its own namespace and no other', () => {
    const [signers, signed] = [join(folder, 'allowed'), join(folder, 'signature')];
    writeFileSync(signers, `ams-1 ${key.line}\n`);
    writeFileSync(signed, signature);
    const verify = (namespace: string): string =>
      execFileSync('ssh-keygen', ['-Y', 'verify', '-f', signers, '-I', 'ams-1', '-n', namespace, '-s', signed], {
        input: canonicalBytes(statement()),
        encoding: 'utf8',
        stdio: ['pipe', 'pipe', 'pipe'],
      });
    expect(verify(REPORT_NAMESPACE)).toContain('Good "reseal-report-v1" signature for ams-1 with ED25519 key');
    expect(() => verify('reseal-approval-v1')).toThrow();
  });

  it('counts for the enrolled key, this operation, nonce and body, and for nothing else', () => {
    expect(reportSignature(statement(), signature, [other.line, key.line])).toMatchObject({ kind: 'declared' });
    expect(reportSignature(statement(), signature, [other.line])).toMatchObject({ kind: 'stranger' });
    for (const change of [{ operation: 'stageNode' }, { nonce: 'n-2' }, { body: { ...BODY, outcome: 'failed' } }])
      expect(reportSignature(statement(change), signature, [key.line])).toMatchObject({ kind: 'invalid' });
  });

  it('survives the way through JSON: what is left out there was never signed', () => {
    const body = { ...BODY, passes: undefined, remark: 'a "b" \u2028' };
    const made = key.sign(statement({ body }));
    expect(reportSignature(statement({ body: JSON.parse(JSON.stringify(body)) }), made, [key.line])).toMatchObject({ kind: 'declared' });
  });
});

it.each([
  ['text', 'not a key'],
  ['nothing', ''],
  ['a key of another kind', execFileSync('openssl', ['genpkey', '-algorithm', 'X25519'], { encoding: 'utf8' })],
])('%s is no key of a node, and is not repeated in the error', (_, text) => {
  let said = '';
  try {
    readMachineKey(text, '/state/node.key', 'reseal node enroll');
  } catch (error) {
    said = String(error);
  }
  expect(said).toContain('/state/node.key holds no Ed25519 private key in PEM');
  if (text !== '') expect(said).not.toContain(text.trim().split('\n')[1] ?? text);
});

describe('an order’s signature', () => {
  const key = readMachineKey(newMachineKey(), 'order.key', 'reseal order-key new');
  const order = { ...(ORDER as object), to: 'b'.repeat(64), sign: { nonce: 'n', keys: [] } };
  const signature = key.sign(orderStatement('stageNode', order));

  it('counts for this operation with everything it is given, with or without itself in it, and for nothing else', () => {
    const standing = (operation: string, given: object) => orderSignature(orderStatement(operation, given), signature, [key.line]).kind;
    expect(standing('stageNode', { ...order, signature })).toBe('declared');
    expect(standing('unstageNode', order)).toBe('invalid');
    for (const change of [{ epoch: 1 }, { to: 'c'.repeat(64) }, { sign: { nonce: 'm', keys: [] } }, { extra: 1 }])
      expect(standing('stageNode', { ...order, ...change })).toBe('invalid');
  });

  it('is none of an answer, nor an answer’s one of it', () => {
    expect(reportSignature(orderStatement('stageNode', order) as never, signature, [key.line]).kind).toBe('invalid');
    expect(orderSignature(statement() as never, key.sign(statement()), [key.line]).kind).toBe('invalid');
  });
});
