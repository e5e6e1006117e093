import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compactDuration, parseDuration } from '../../src/domain/duration.js';
import type { Policy, Share } from '../../src/domain/policy.js';
import { canonicalJson } from '../../src/manifest/canonical-json.js';
import { PolicySchema } from '../../src/schema/policy.js';
import { mixed } from './mixed.js';

/** A field of the file: what may be written there, the value that it stands for, and how a value is written again. */
interface Field {
  readonly texts: fc.Arbitrary<unknown>;
  readonly value: (text: never) => unknown;
  readonly write: (value: never) => unknown;
}
const same = (one: unknown): unknown => one;
const field = <T, V>(texts: fc.Arbitrary<T>, value: (text: T) => unknown = same, write: (value: V) => unknown = same): Field => ({
  texts,
  value,
  write,
});

const valueOfShare = (text: string | number): Share =>
  typeof text === 'number' ? { count: text } : { percent: Number(text.replace('%', '')) };
const writeShare = (one: Share): unknown => ('percent' in one ? `${one.percent}%` : one.count);
const durations = fc.tuple(fc.integer({ min: 1, max: 500 }), fc.constantFrom('ms', 's', 'm', 'h', 'd')).map((parts) => parts.join(''));
const shares = fc.oneof(
  fc.integer({ min: 1, max: 100 }).map((percent) => `${percent}%`),
  fc.integer({ min: 1, max: 5_000 }),
);
const duration = field(durations, parseDuration, compactDuration);
const share = field(shares, valueOfShare, writeShare);
const count = field(fc.integer({ min: 1, max: 9 }));
const names = field(fc.uniqueArray(fc.constantFrom('alice', 'release-leads', 'oncall')));

const SECTIONS: Readonly<Record<string, Readonly<Record<string, Field>>>> = {
  scan: {
    every: duration,
    at: field(fc.constantFrom('00:00', '06:00', '23:59')),
    zone: field(fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York')),
    lookAhead: duration,
    ticket: field(fc.constantFrom('CHG-1', 'OPS-20481')),
  },
  window: { appStore: duration, development: duration, adHoc: duration, enterprise: duration },
  successor: {
    minLifeBeyondWindow: duration,
    lookEvery: duration,
    askEvery: duration,
    pageWhenLeft: field(
      fc.array(durations, { maxLength: 4 }),
      (list) => list.map(parseDuration),
      (list: readonly number[]) => list.map(compactDuration),
    ),
  },
  cohorts: {
    canary: field(
      fc.record({ perImage: fc.integer({ min: 0, max: 3 }), share: shares }),
      (canary) => ({ ...canary, share: valueOfShare(canary.share) }),
      (canary: Policy['cohorts']['canary']) => ({
        ...canary,
        share: writeShare(canary.share),
      }),
    ),
    waves: field(
      fc.array(shares, { minLength: 1, maxLength: 4 }),
      (waves) => waves.map(valueOfShare),
      (waves: readonly Share[]) => waves.map(writeShare),
    ),
    maxUnavailable: share,
    stallTimeout: duration,
  },
  probe: { passes: count, interval: duration, checkTimeout: duration, inconclusiveFor: duration },
  soak: { duration, interval: duration, floor: duration },
  gate: {
    approvals: count,
    timeout: duration,
    calendar: field(
      fc.constantFrom('office', 'night', 'none', null),
      (text) => (text === 'none' ? null : text),
      (calendar: string | null) => calendar ?? 'none',
    ),
    remindEvery: duration,
    widenAfter: duration,
    approvalValid: duration,
  },
  retirement: { secondGate: field(fc.boolean()), maxBuildDuration: duration, overduePinPageEvery: duration },
  rollback: { nodeTime: duration, safetyMargin: duration, minLifeAfterRollback: duration },
  escalation: { pageEvery: duration },
  emergency: { approvals: count, canary: count, wave: share },
  clock: { maxSkew: duration },
  seats: {
    lease: duration,
    longest: duration,
    heartbeat: duration,
    longestWait: duration,
    rotationWait: duration,
    rollbackWait: duration,
  },
  limits: {
    stepNodes: field(fc.integer({ min: 1, max: 100 })),
    activitiesPerSecond: count,
    nodeOperationTimeout: duration,
    nodeOfflineAfter: duration,
  },
  audience: { owner: names, widened: names, page: names },
};

type File = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
type Values = Readonly<Record<string, Readonly<Record<string, never>>>>;

/** Files that say any part of it: no section but `scan`, and no field but its ticket, must be there. */
const files: fc.Arbitrary<File> = fc.record(
  Object.fromEntries(
    Object.entries(SECTIONS).map(([section, fields]) => [
      section,
      fc.record(Object.fromEntries(Object.entries(fields).map(([name, { texts }]) => [name, texts])), {
        requiredKeys: section === 'scan' ? ['ticket'] : [],
        noNullPrototype: true,
      }),
    ]),
  ),
  { requiredKeys: ['scan'], noNullPrototype: true },
);

const read = (file: object): Policy => PolicySchema.parse({ schemaVersion: 1, ...file });
const valuesOf = (policy: Policy): Values => policy as unknown as Values;

function written(policy: Policy): File {
  const sections = Object.entries(SECTIONS).map(([section, fields]) => {
    const values = valuesOf(policy)[section] ?? {};
    return [section, Object.fromEntries(Object.entries(values).map(([name, value]) => [name, fields[name]?.write(value)]))] as const;
  });
  return Object.fromEntries(sections);
}

describe('a policy file', () => {
  it('gives every field that it says its own value, whatever else it says, and every other one its default', () => {
    const defaults = valuesOf(read({ scan: { ticket: 'CHG-0' } }));
    fc.assert(
      fc.property(files, (file) => {
        const policy = valuesOf(read(file));
        for (const [section, fields] of Object.entries(SECTIONS)) {
          for (const [name, { value }] of Object.entries(fields)) {
            const said = file[section] ?? {};
            const expected = Object.hasOwn(said, name) ? value(said[name] as never) : defaults[section]?.[name];
            expect([section, name, policy[section]?.[name]]).toEqual([section, name, expected]);
          }
        }
      }),
    );
  });

  it('means the same with its sections and fields in any order, down to the bytes that a rotation freezes', () => {
    fc.assert(
      fc.property(files, fc.infiniteStream(fc.nat()), (file, random) => {
        const shuffled = Object.fromEntries(
          mixed(Object.entries(file), random).map(([section, fields]) => [
            section,
            Object.fromEntries(mixed(Object.entries(fields), random)),
          ]),
        );
        expect(canonicalJson(read(shuffled))).toBe(canonicalJson(read(file)));
      }),
    );
  });

  it('written out with every default is the same policy, and stays so', () => {
    fc.assert(
      fc.property(files, (file) => {
        const policy = read(file);
        expect(read(written(policy))).toEqual(policy);
        expect(written(read(written(policy)))).toEqual(written(policy));
      }),
    );
  });

  it('loses nothing when it is frozen as JSON', () => {
    fc.assert(
      fc.property(files, (file) => {
        const policy = read(file);
        expect(JSON.parse(canonicalJson(policy))).toEqual(policy);
      }),
    );
  });

  it('with a field that nobody knows is refused, wherever that is', () => {
    const places = fc.constantFrom(null, ...Object.keys(SECTIONS));
    const unknown = fc.stringMatching(/^[a-z]{1,8}z$/);
    fc.assert(
      fc.property(files, places, unknown, (file, place, name) => {
        fc.pre(name !== 'schemaVersion' && !Object.hasOwn(SECTIONS, name) && Object.values(SECTIONS).every((fields) => !(name in fields)));
        const wrong = place === null ? { ...file, [name]: 1 } : { ...file, [place]: { ...file[place], [name]: 1 } };
        const { error } = PolicySchema.safeParse({ schemaVersion: 1, ...wrong });
        expect(error?.issues).toMatchObject([{ code: 'unrecognized_keys', keys: [name], path: place === null ? [] : [place] }]);
      }),
    );
  });
});
