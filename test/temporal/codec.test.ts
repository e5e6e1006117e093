import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Audience } from '../../src/domain/codec/audience.js';
import { activityIdFor, audienceOf, audienceOfQueue } from '../../src/domain/codec/audience.js';
import type { NodeName } from '../../src/domain/brands.js';
import { agentQueue, gatewayQueue } from '../../src/domain/node/routes.js';
import { encryptingCodec, keyIdOf, plainCodec } from '../../src/temporal/codec/encryption.js';
import { keysText, newRootKey, parseKeys, type StoredKey } from '../../src/temporal/codec/key-file.js';
import { controlRing, handedOut, ringOf } from '../../src/temporal/codec/key-ring.js';

const NOW = Date.parse('2026-11-27T10:00:00Z');
const CONTENT = 'nothing-that-others-should-read';
const ROTATION = { type: 'workflow', namespace: 'reseal', workflowId: 'rotation/ios-main' } as const;
const onNode = (node: string) =>
  ({ type: 'activity', namespace: 'reseal', isLocal: false, activityId: activityIdFor(7, `node/${node}`) }) as const;
const SERVED: Readonly<Record<string, Audience>> = { 'bom-1': 'node/bom-1', 'ams-1': 'gateway/eu-west' };
const servedBy = (node: NodeName): Audience => SERVED[node] ?? 'control';

const first = newRootKey('active', NOW);
const control = encryptingCodec({ ring: controlRing([first], 'control.json'), servedBy });
const codecOf = (audience: Audience, roots: readonly StoredKey[] = [first]) =>
  encryptingCodec({ ring: ringOf(audience, handedOut(audience, roots), 'node.json'), servedBy: () => audience });
const payload = (): Payload => defaultPayloadConverter.toPayload(CONTENT);
const textOf = (one: Payload | undefined): unknown => defaultPayloadConverter.fromPayload(one as Payload);
const refusal = async (work: Promise<unknown>): Promise<{ code: string; message: string; all: string }> => {
  const error = (await work.then(
    () => new Error('it was read'),
    (thrown: unknown) => thrown,
  )) as Error & { code: string };
  return {
    code: error.code,
    message: error.message,
    all: `${error.message} ${error.stack ?? ''} ${JSON.stringify(error)} ${String(error.cause)}`,
  };
};

describe('an encrypted payload', () => {
  let sealed: Payload;
  beforeAll(async () => {
    [sealed] = (await control.encode([payload()], ROTATION)) as [Payload];
  });

  it('names its key, holds nothing of its content, and is read back with its encoding (T3)', async () => {
    expect(keyIdOf(sealed)).toBe(`${first.id}/control`);
    expect(Buffer.from(sealed.data ?? []).includes(CONTENT)).toBe(false);
    expect(Object.keys(sealed.metadata ?? {}).sort()).toEqual(['encoding', 'encryption-key-id']);
    const [read] = await control.decode([sealed], ROTATION);
    expect(textOf(read)).toBe(CONTENT);
    expect(Buffer.from(read?.metadata?.['encoding'] ?? []).toString()).toBe('json/plain');
  });

  it('is never the same twice', async () => {
    const [again] = await control.encode([payload()], ROTATION);
    expect(Buffer.from(again?.data ?? []).equals(Buffer.from(sealed.data ?? []))).toBe(false);
  });

  it('is refused when any of its bytes was changed, and where it ends early, in words without its content', async () => {
    const data = Buffer.from(sealed.data ?? []);
    for (let position = 0; position < data.length; position++) {
      const changed = Buffer.from(data);
      changed[position] = (changed[position] ?? 0) ^ 1;
      const { code, all } = await refusal(control.decode([{ ...sealed, data: changed }], ROTATION));
      expect(code).toBe('PAYLOAD_DAMAGED');
      expect(all).not.toContain(CONTENT);
    }
    for (let length = 0; length < data.length; length++)
      expect((await refusal(control.decode([{ ...sealed, data: data.subarray(0, length) }], ROTATION))).code).toBe('PAYLOAD_DAMAGED');
  });

  it('is refused under the id of another key, though its bytes are the same', async () => {
    const second = newRootKey('read-only', NOW);
    const both = encryptingCodec({ ring: controlRing([first, second], 'control.json'), servedBy });
    for (const id of [`${second.id}/control`, `${first.id}/node/bom-1`]) {
      const moved = { ...sealed, metadata: { ...sealed.metadata, 'encryption-key-id': Buffer.from(id) } };
      expect((await refusal(both.decode([moved]))).message).toContain('its tag does not fit');
    }
  });

  it('of an unknown key is refused by the id of that key, made harmless, with what to do', async () => {
    const strange = { ...sealed, metadata: { ...sealed.metadata, 'encryption-key-id': Buffer.from('k20250101-aaaaaa/control\u001b[2J') } };
    const { code, message } = await refusal(control.decode([strange], ROTATION));
    expect(code).toBe('CODEC_KEY_MISSING');
    expect(message).toContain('under codec key k20250101-aaaaaa/control??2J, and this process has');
    expect((await refusal(plainCodec.decode([sealed]))).message).toContain('this process has no codec keys');
  });

  it('and a plain one of before there were keys are both read', async () => {
    const read = await control.decode([payload(), sealed], ROTATION);
    expect(read.map(textOf)).toEqual([CONTENT, CONTENT]);
  });
});

describe('keys of control and nodes', () => {
  it('are chosen by the task queue, which the id of the activity tells', () => {
    expect(audienceOfQueue(agentQueue('reseal', 'bom-1' as NodeName))).toBe('node/bom-1');
    expect(audienceOfQueue(gatewayQueue('mesh-1', 'eu-west'))).toBe('gateway/eu-west');
    expect(audienceOfQueue('reseal')).toBe('control');
    expect(audienceOf({ type: 'activity', activityId: activityIdFor(3, 'gateway/eu west/1') }, servedBy)).toBe('gateway/eu west/1');
    expect(audienceOf({ type: 'activity', activityId: '3' }, servedBy)).toBe('control');
    expect(audienceOf({ type: 'workflow', workflowId: 'seat/bom-1' }, servedBy)).toBe('node/bom-1');
    expect(audienceOf({ type: 'workflow', workflowId: 'seat/mesh-1/ams-1' }, servedBy)).toBe('gateway/eu-west');
    expect(audienceOf({ type: 'workflow', workflowId: 'rotation/ios-main' }, servedBy)).toBe('control');
  });

  it("a stolen key of a node reads what goes to that node, and nothing of the control plane's or of another node's (T6)", async () => {
    const bom = codecOf('node/bom-1');
    const [order] = await control.encode([payload()], onNode('bom-1'));
    const [answer] = await bom.encode([payload()], onNode('bom-1'));
    expect(textOf((await bom.decode([order as Payload], onNode('bom-1')))[0])).toBe(CONTENT);
    expect(textOf((await control.decode([answer as Payload], onNode('bom-1')))[0])).toBe(CONTENT);
    const [history] = await control.encode([payload()], ROTATION);
    const [other] = await control.encode([payload()], onNode('iad-1'));
    for (const foreign of [history, other]) expect((await refusal(bom.decode([foreign as Payload]))).code).toBe('CODEC_KEY_MISSING');
  });

  it('what is written under a stolen key of a node counts neither in a rotation nor as the answer of another node', async () => {
    const bom = codecOf('node/bom-1');
    const [said] = await bom.encode([payload()], ROTATION);
    for (const owner of [ROTATION, onNode('iad-1'), { ...ROTATION, workflowId: 'seat/iad-1' }]) {
      const { code, message } = await refusal(control.decode([said as Payload], owner));
      expect(code).toBe('PAYLOAD_DAMAGED');
      expect(message).toContain('node/bom-1, which has no say there');
    }
    expect(textOf((await control.decode([said as Payload], { ...ROTATION, workflowId: 'seat/bom-1' }))[0])).toBe(CONTENT);
  });

  it('of a node are derived, so that its file holds nothing of a root', () => {
    const [own] = handedOut('node/bom-1', [first]);
    expect(own).toMatchObject({ id: first.id, for: 'node/bom-1', status: 'active' });
    expect(Buffer.from(own?.key ?? []).equals(Buffer.from(first.key))).toBe(false);
    expect(keysText(handedOut('node/bom-1', [first]))).not.toContain(Buffer.from(first.key).toString('base64url'));
  });
});

describe('a key file', () => {
  it('is read as it was written', () => {
    const keys = [first, newRootKey('read-only', NOW)];
    expect(parseKeys(keysText(keys), 'codec.json')).toEqual(keys.map((one) => ({ ...one, key: Buffer.from(one.key) })));
  });

  it('that is damaged is refused by its fields, and nothing that it holds is told', () => {
    const text = keysText([first]);
    const secret = Buffer.from(first.key).toString('base64url');
    const broken: readonly (readonly [string, string])[] = [
      [text.slice(0, -10), 'is no JSON'],
      [text.replace(secret, secret.slice(3)), 'at keys.0.key'],
      [text.replace('"active"', '"current"'), 'at keys.0.status'],
      [keysText([first, newRootKey('active', NOW)]), 'has 2 active keys for control'],
      [keysText([first, { ...first, status: 'read-only' }]), 'has a key for control twice'],
    ];
    for (const [one, why] of broken) {
      expect(() => parseKeys(one, 'codec.json')).toThrow(why);
      try {
        parseKeys(one, 'codec.json');
      } catch (error) {
        expect(`${String(error)} ${JSON.stringify(error)} ${String((error as Error).cause)}`).not.toContain(secret.slice(4, 20));
      }
    }
  });

  it('of a node is refused at the control plane, and that of the control plane on a node', () => {
    expect(() => controlRing(handedOut('node/bom-1', [first]), 'x.json')).toThrow('Correct codec.control');
    expect(() => ringOf('node/bom-1', [first], 'x.json')).toThrow('which have no place here');
    expect(() => ringOf('node/bom-1', handedOut('node/iad-1', [first]), 'x.json')).toThrow('holds no key for node/bom-1');
  });
});
