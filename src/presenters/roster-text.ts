import { keysBeyond, type RosterAdoption } from '../domain/adopted-rosters.js';
import type { Person, Roster } from '../domain/roster.js';
import { fingerprintOf } from '../statement/standing.js';
import { shortDigest } from './digest.js';
import type { RosterToSign, RosterView, Since } from './roster.js';
import type { Pen } from './rotation-text.js';

const fingerprint = (key: string): string => fingerprintOf(key) ?? 'a key that cannot be read';
const names = (list: readonly string[]): string => (list.length === 0 ? 'none' : list.join(', '));

function rightsIn(roster: Roster, { roles }: Person): readonly string[] {
  return [...new Set(roles.flatMap((role) => roster.roles[role] ?? []))].sort();
}

const plus = (text: string): string => `  + ${text}`;
const minus = (text: string): string => `  - ${text}`;

/** What one roster has that another has not, a line each: persons, keys, rights and receivers, come and gone. @param before null: there is none */
export function rosterChanges(before: Roster | null, after: Roster): readonly string[] {
  const old = new Map((before?.persons ?? []).map((person) => [person.id, person]));
  const now = new Map(after.persons.map((person) => [person.id, person]));
  const gone = [...old.values()].filter(({ id }) => !now.has(id)).map(({ id, name }) => minus(`person ${id} (${name})`));
  const come = after.persons.flatMap((person) => {
    const known = old.get(person.id);
    return known === undefined || before === null ? newPerson(after, person) : changedPerson(before, known, after, person);
  });
  return [...gone, ...come, ...receiverChanges(before, after)];
}

const newPerson = (roster: Roster, person: Person): readonly string[] => [
  plus(`person ${person.id} (${person.name}), may ${names(rightsIn(roster, person))}`),
  ...person.keys.map((key) => plus(`key of ${person.id}: ${fingerprint(key.public)}`)),
];

function changedPerson(before: Roster, known: Person, after: Roster, person: Person): readonly string[] {
  const { id } = person;
  const [had, has] = [rightsIn(before, known), rightsIn(after, person)];
  const lost = had.filter((right) => !has.includes(right));
  const gained = has.filter((right) => !had.includes(right));
  return [
    ...(known.name === person.name ? [] : [plus(`${id} is called ${person.name}, and was ${known.name}`)]),
    ...keysBeyond(known, person).map((key) => minus(`key of ${id}: ${fingerprint(key)}`)),
    ...keysBeyond(person, known).map((key) => plus(`key of ${id}: ${fingerprint(key)}`)),
    ...(lost.length === 0 ? [] : [minus(`${id} may no longer ${names(lost)}`)]),
    ...(gained.length === 0 ? [] : [plus(`${id} may ${names(gained)}`)]),
  ];
}

function receiverChanges(before: Roster | null, after: Roster): readonly string[] {
  const inWords = (roster: Roster | null): readonly string[] =>
    (roster?.receivers ?? []).map(
      ({ id, name, recipient, fetchedBy }) => `receiver ${id} (${name}) with ${recipient}, fetched by ${fetchedBy.join(', ')}`,
    );
  const [had, has] = [inWords(before), inWords(after)];
  return [...had.filter((one) => !has.includes(one)).map(minus), ...has.filter((one) => !had.includes(one)).map(plus)];
}

/** What is signed, in words: nothing that the statement holds is left out. */
export function adoptionText(
  statement: RosterAdoption,
  { roster, before, by }: RosterToSign,
  key: string,
  pen: Pen,
  now: number,
): string[] {
  const changes = rosterChanges(before?.roster ?? null, roster);
  const after = before === null ? 'the first one' : `after roster ${statement.number - 1}`;
  return [
    `roster ${statement.number}, ${after}${by.length === 0 ? '' : `, adopted by ${by.join(', ')} already`}:`,
    ...(changes.length === 0 ? ['  = the same persons, keys, rights and receivers, written in another way'] : changes),
    '',
    `${statement.person} signs with ${key}, namespace reseal-approval-v1:`,
    `  says      adopt roster ${statement.number} (${statement.says})`,
    `  at        installation ${statement.installation}, ticket ${statement.ticket}`,
    `  roster    ${statement.roster}`,
    `  before    ${statement.previous ?? 'none'}`,
    `  issued    ${statement.issuedAt}`,
    `  counts    once, until ${pen.time(Date.parse(statement.expiresAt), now)}; nonce ${statement.nonce}`,
  ];
}

const sinceText = (since: Since | null, pen: Pen, now: number): string =>
  since === null ? 'not adopted' : `roster ${since.number}, ${pen.time(Date.parse(since.at), now)}, ${since.by.join(', ')}`;

export function rosterText(view: RosterView, pen: Pen, now: number): readonly string[] {
  const rows = view.persons.flatMap(({ id, name, roles, since, keys }) => [
    [id, name, roles.join(', ') || '-', keys[0]?.fingerprint ?? 'no key', sinceText(keys[0]?.since ?? since, pen, now)],
    ...keys.slice(1).map((key) => ['', '', '', key.fingerprint, sinceText(key.since, pen, now)]),
  ]);
  const roles = Object.entries(view.roster.roles).map(([role, rights]) => [role, rights.join(', ') || 'nothing; they are told']);
  const receivers = (view.roster.receivers ?? []).map(({ id, name, fetchedBy }) => [id, name, fetchedBy.join(', ')]);
  return [
    `${pen.styled(`roster of ${view.installation}`, 'bold')}  ${shortDigest(view.digest)}`,
    '',
    ...pen.table(['PERSON', 'NAME', 'ROLES', 'KEY', 'SINCE'], rows),
    '',
    ...pen.table(['ROLE', 'MAY'], roles),
    ...(receivers.length === 0 ? [] : ['', ...pen.table(['RECEIVER', 'NAME', 'FETCHED BY'], receivers)]),
    '',
    ...standingText(view, pen, now),
  ];
}

/** How it stands, what that means for gates, and what there is to do. */
function standingText(view: RosterView, pen: Pen, now: number): readonly string[] {
  const { standing, adopted, roster, demandedBy } = view;
  const newest = adopted.at(-1);
  const lagging =
    view.lagging.length === 0 ? [] : [`The store ${view.lagging.join(', ')} has not got all of that: reseal roster adopt brings it there.`];
  switch (standing.kind) {
    case 'adopted': {
      const by = (newest?.signers ?? []).map(({ person, at }) => `${person}, ${pen.time(at, now)}`).join('; ');
      const out = standing.uncounted.map(
        ({ person, keys, because }) =>
          `  ${person} ${because}: ${keys === null ? 'does' : `${keys.map(fingerprint).join(', ')} does`} not count at a gate until a second person adopts it, or 7 days have passed`,
      );
      return [`${pen.styled('adopted', 'green')} as roster ${standing.number} by ${by}`, ...out, ...lagging];
    }
    case 'never':
    case 'other': {
      const gates =
        demandedBy.length === 0
          ? 'Lines with simulated nodes alone ask for none.'
          : `Nothing passes a gate of ${demandedBy.join(', ')}: reseal roster adopt --as PERSON --ticket TICKET`;
      const changes = newest === undefined ? [] : [`what differs from roster ${newest.number}:`, ...rosterChanges(newest.roster, roster)];
      const colour = demandedBy.length === 0 && standing.kind === 'never' ? 'dim' : 'yellow';
      return [`${pen.styled('not adopted', colour)}: ${standing.reason}`, ...changes, standing.kind === 'other' && demandedBy.length === 0 ? 'Nothing passes a gate: reseal roster adopt --as PERSON --ticket TICKET' : gates, ...lagging]; // prettier-ignore
    }
  }
}
