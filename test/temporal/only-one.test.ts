import { describe, expect, it } from 'vitest';
import { identityText, isOlder, newIdentity, parseIdentity, type WorkerIdentity } from '../../src/temporal/worker-identity.js';
import { agentBefore, SILENCE } from '../../src/temporal/agent/only-one.js';

const NOW = 1_800_000_000_000;
const agent = (change: Partial<WorkerIdentity> = {}): WorkerIdentity => ({
  host: 'ams-1.local',
  pid: 400,
  startedAt: NOW - 60_000,
  random: '0a1b2c3d',
  ...change,
});
const mine = agent({ pid: 500, startedAt: NOW, random: 'ffffffff' });
const seen = (one: WorkerIdentity | string, ago = 1_000) => ({
  identity: typeof one === 'string' ? one : identityText(one),
  seenAt: NOW - ago,
});
const look = (
  pollers: readonly ReturnType<typeof seen>[],
  change: { runs?: readonly number[]; before?: ReadonlyMap<string, number> } = {},
) =>
  agentBefore(pollers, { mine, now: NOW, isRunning: ({ pid }) => (change.runs ?? []).includes(pid), before: change.before ?? new Map() });

describe('an agent among the pollers of its node', () => {
  it('is told by host, process, start and a random word', () => {
    const one = newIdentity('host:with:colons');
    expect(parseIdentity(identityText(one))).toEqual(one);
    expect(one).toMatchObject({ host: 'host-with-colons', pid: process.pid });
    for (const text of ['', '123@host', 'host:0:1:0a1b2c3d', 'host:1:1:short', 'a:b:1:1:0a1b2c3d'])
      expect(parseIdentity(text), text).toBeNull();
  });

  it('of two, both agree who is the older one', () => {
    const others = [agent(), agent({ startedAt: NOW }), agent({ startedAt: NOW + 1 }), agent({ random: '0a1b2c3e' })];
    for (const other of others) expect(isOlder(mine, other)).toBe(!isOlder(other, mine));
  });

  it('is alone where nobody else polls, or only itself', () => {
    expect(look([])).toBeNull();
    expect(look([seen(mine)])).toBeNull();
  });

  it('gives way to an older one on another Mac, and to one that is no agent', () => {
    const other = agent({ host: 'ams-2.local' });
    expect(look([seen(mine), seen(other)])).toBe(identityText(other));
    expect(look([seen('4711@somewhere')])).toBe('4711@somewhere');
  });

  it('gives way to an older one of this machine that runs, though its lock is elsewhere', () => {
    expect(look([seen(agent())], { runs: [400] })).toBe(identityText(agent()));
  });

  it('stays where the other one is younger: that one will leave', () => {
    expect(look([seen(agent({ host: 'ams-2.local', startedAt: NOW + 1 }))])).toBeNull();
  });

  it('takes no notice of what has not been heard of for longer than a poll lasts', () => {
    expect(look([seen(agent({ host: 'ams-2.local' }), SILENCE + 1)])).toBeNull();
    expect(look([seen(agent({ host: 'ams-2.local' }), SILENCE - 1)])).not.toBeNull();
  });

  it('takes no notice of what a killed agent of this machine left, unless it is heard of again: then it is a machine of the same name', () => {
    const ghost = seen(agent());
    expect(look([ghost])).toBeNull();
    expect(look([ghost], { before: new Map([[ghost.identity, ghost.seenAt]]) })).toBeNull();
    expect(look([ghost], { before: new Map([[ghost.identity, ghost.seenAt - 1]]) })).toBe(ghost.identity);
  });
});
