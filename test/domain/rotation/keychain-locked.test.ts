import { describe, expect, it } from 'vitest';
import type { LineName, NodeName, PersonId, Sha256 } from '../../../src/domain/brands.js';
import type { Manifest } from '../../../src/domain/manifest.js';
import type { LockedKeychain } from '../../../src/domain/node/locked-keychain.js';
import { changes } from '../../../src/domain/rotation/history.js';
import { apply, newRotation, next, settle, type RotationEvent } from '../../../src/domain/rotation/machine.js';
import { obey } from '../../../src/domain/rotation/obey.js';
import { exchanged, lockedSentences, otherSigner } from '../../../src/domain/rotation/stand-ins.js';
import type { Reached, RotationState } from '../../../src/domain/rotation/state.js';
import type { LineDeclaration, NodeDeclaration } from '../../../src/domain/topology.js';
import { PolicySchema } from '../../../src/schema/policy.js';
import { IDENTITY, LINE, declaration, entry, manifestOf } from '../../node/mesh.js';
import { planOf, sha } from './plan.js';

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const policy = PolicySchema.parse({ schemaVersion: 1, scan: { ticket: 'CHG-1' } });
const [FIRST, SECOND, THIRD] = ['ams-sign-1', 'ams-sign-2', 'ams-sign-3'] as NodeName[] as [NodeName, NodeName, NodeName];
const locked = (then: LockedKeychain['then']): LockedKeychain => ({
  keychain: 'reseal-97134e8c.keychain-db',
  why: 'its password is another one than keychains.password of the line gives',
  remedy: 'Correct it, then answer retry.',
  then,
});

function inPhase(phase: 'staging' | 'canary' | 'rolling', switched: readonly Reached[]): RotationState {
  const trigger = { kind: 'person', by: 'rita' as PersonId, ticket: 'CHG-7' } as const;
  const state = newRotation('ios-main' as LineName, trigger, policy, 0, NOW);
  const plan = planOf({ waves: [1, 2], horizon: NOW + 60 * DAY, maxUnavailable: 2 });
  return { ...state, phase, plan, k: 7, done: { staged: 'done', switched, head: 'no', retired: 'no' } };
}
const CANARY = inPhase('canary', ['begun', 'no']);

const ended = (state: RotationState, node: NodeName, then: LockedKeychain['then'], more: Partial<RotationEvent> = {}): RotationState => {
  const task = state.phase === 'staging' ? 'stage' : 'switch';
  const wave = state.phase === 'staging' ? null : state.phase === 'canary' ? 0 : 1;
  const troubled = [{ node, outcome: 'locked', active: sha('a'), reason: 'cannot unlock it', locked: locked(then) }] as const;
  const handled = task === 'stage' ? 3 : wave === 0 ? 1 : 2;
  const event = { event: 'nodes-ended', d: 0, task, wave, handled, troubled, untried: [], retried: [], ...more } as RotationEvent;
  return settle(apply(state, event, NOW), NOW);
};

describe('a keychain that stays locked (S5, R6, invariant 9)', () => {
  it.each([inPhase('staging', ['no', 'no']), CANARY, inPhase('rolling', ['done', 'begun'])])(
    'with `page` asks keychain-locked in $phase: people have until stallTimeout, and silence rolls back',
    (state) => {
      const asked = ended(state, FIRST, 'page');
      expect(asked.question).toMatchObject({
        id: 'keychain-locked',
        nodes: [FIRST],
        options: ['retry', 'exclude', 'rollback'],
        deadline: NOW + policy.cohorts.stallTimeout,
        unanswered: 'rollback',
      });
      expect(next(asked, NOW)).toEqual({ do: 'page' });
      expect(settle(asked, NOW + policy.cohorts.stallTimeout).phase).toBe('rolling-back');
    },
  );

  it('the page says host, keychain, reason and remedy', () => {
    expect(lockedSentences(ended(CANARY, FIRST, 'page'))).toEqual([
      'Node ams-sign-1, keychain reseal-97134e8c.keychain-db: it stays locked: its password is another one than keychains.password of the line gives. Correct it, then answer retry.',
    ]);
  });

  it('answered with retry, the node has another turn in the canary', () => {
    const asked = ended(CANARY, FIRST, 'page');
    const answer = { command: 'answer', by: 'ada' as PersonId, ticket: 'CHG-7', question: 'keychain-locked', option: 'retry' } as const;
    expect(next(settle(obey(asked, answer, NOW), NOW), NOW)).toMatchObject({ do: 'nodes', task: 'switch', wave: 0, again: [FIRST] });
  });

  it('a failure beside it turns the canary back: it is no more than a locked keychain that people are asked about', () => {
    const both = apply(
      CANARY,
      {
        event: 'nodes-ended',
        d: 0,
        task: 'switch',
        wave: 0,
        handled: 1,
        troubled: [
          { node: FIRST, outcome: 'locked', active: sha('a'), reason: 'locked', locked: locked('page') },
          { node: SECOND, outcome: 'failed', active: sha('a'), reason: 'the profile is gone' },
        ],
        untried: [],
        retried: [],
      },
      NOW,
    );
    expect(both.phase).toBe('rolling-back');
  });

  describe('with `another-signer`', () => {
    const asking = ended(CANARY, FIRST, 'another-signer');
    const found = { by: SECOND, cohorts: 'f'.repeat(64) as Sha256, reason: 'it holds the same' } as const;

    it('looks for one before anybody is asked, and only in the canary', () => {
      expect(asking.question).toBeNull();
      expect(next(asking, NOW)).toEqual({ do: 'stand-in', node: FIRST });
      expect(ended(inPhase('rolling', ['done', 'begun']), FIRST, 'another-signer').question?.id).toBe('keychain-locked');
    });

    it('that one is switched in the canary, which is not done before it is, and the record says so', () => {
      const exchangedState = settle(apply(asking, { event: 'stand-in', node: FIRST, found }, NOW), NOW);
      expect(exchangedState).toMatchObject({ phase: 'canary', troubles: [], plan: { cohorts: found.cohorts } });
      expect(next(exchangedState, NOW)).toMatchObject({ do: 'nodes', task: 'switch', wave: 0, count: 0, again: [SECOND] });
      expect(changes(asking, exchangedState).map(({ kind }) => kind)).toEqual(['stand-in']);
      const done = apply(
        exchangedState,
        { event: 'nodes-ended', d: 0, task: 'switch', wave: 0, handled: 0, troubled: [], untried: [], retried: [SECOND] },
        NOW,
      );
      expect(settle(done, NOW).phase).toBe('awaiting-signoff');
    });

    it('where there is none, people are asked, and told that none was found', () => {
      const none = settle(apply(asking, { event: 'stand-in', node: FIRST, found: { by: null, reason: 'there is none' } }, NOW), NOW);
      expect(none.question?.id).toBe('keychain-locked');
      expect(none.troubles[0]?.reason).toBe('cannot unlock it No other signer takes its place: there is none.');
    });

    it('an answer for a node that has been settled otherwise changes nothing', () => {
      const asked = ended(CANARY, FIRST, 'page');
      expect(apply(asked, { event: 'stand-in', node: FIRST, found }, NOW)).toBe(asked);
    });
  });
});

describe('the other signer (R5, S5)', () => {
  const line: LineDeclaration = {
    identity: 'signers',
    distribution: 'copy',
    profilesOn: ['signer', 'compile'],
    store: 'main',
    sources: [],
    successorOwner: 'alice' as PersonId,
  };
  const signer = (name: NodeName, more: Partial<NodeDeclaration> = {}): NodeDeclaration =>
    declaration('/nowhere', { name, roles: ['signer'], keys: 'allowed', ...more });
  const to: Manifest = manifestOf('2026');
  const compile = declaration('/nowhere', { name: 'ams-build-1' as NodeName });
  const plan = [[FIRST], [compile.name, SECOND], [THIRD]];
  const who = (nodes: readonly NodeDeclaration[], tried: readonly NodeName[] = [], manifest = to) =>
    otherSigner(plan, FIRST, tried, { nodes: [...nodes, compile], line, to: manifest });

  it('is the first beyond the canary that is to hold the same identities, never a node without keys', () => {
    expect(who([signer(FIRST), signer(SECOND), signer(THIRD)])).toMatchObject({ by: SECOND });
    expect(who([signer(FIRST), signer(SECOND, { keys: 'forbidden' }), signer(THIRD)])).toMatchObject({ by: THIRD });
    expect(who([signer(FIRST), signer(SECOND), signer(THIRD)], [SECOND])).toMatchObject({ by: THIRD });
  });

  it('is of the same image where one is; else it is said what the canary does not show any more', () => {
    expect(who([signer(FIRST), signer(SECOND, { image: 'old' }), signer(THIRD)])).toMatchObject({ by: THIRD });
    const other = who([signer(FIRST), signer(SECOND, { image: 'old' }), signer(THIRD, { image: 'old' })]);
    expect(other).toMatchObject({ by: SECOND, reason: expect.stringContaining('nothing of image tahoe-26.1-b4 any more') as string });
  });

  it('is nobody where the identity is the node’s own, or no one may be spared', () => {
    const own = { ...to, profiles: [entry('com.acme.courier', '2026', { holder: FIRST })] };
    expect(who([signer(FIRST), signer(SECOND), signer(THIRD)], [], own)).toMatchObject({ by: null });
    expect(who([signer(FIRST)])).toEqual({
      by: null,
      reason: `beyond the canary no other node that could be spared is to hold ${IDENTITY.slice(0, 8)}`,
    });
  });

  it('never makes the canary hold all signers of a pool', () => {
    const elsewhere = { pool: 'other' };
    const two = otherSigner([[FIRST, SECOND], [THIRD]], FIRST, [], {
      nodes: [signer(FIRST), signer(SECOND, elsewhere), signer(THIRD, elsewhere)],
      line,
      to,
    });
    expect(two.by).toBeNull();
  });

  it('changes places with the node, and nobody else’s', () => {
    expect(exchanged(plan, FIRST, THIRD)).toEqual([[THIRD], [compile.name, SECOND], [FIRST]]);
    expect(LINE).toBe(to.line);
  });
});
