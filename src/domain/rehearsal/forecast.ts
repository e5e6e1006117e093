import { nextOpening, isOpen } from '../calendar.js';
import type { Instant, LineName, PersonId } from '../brands.js';
import { describeDistance, describeDuration } from '../duration.js';
import type { Calendar, Policy } from '../policy.js';
import type { CohortPlan } from '../rotation/cohorts.js';
import { latestApproval, type MeshSize } from '../rotation/timeline.js';
import { someOf } from '../some-of.js';
import type { TopologyFinding } from '../topology-review/finding.js';
import type { LineDeclaration, NodeDeclaration, UnlockWindow } from '../topology.js';
import type { RehearsalFinding } from './finding.js';
import { realWindow } from './window.js';

/** What is known of the real rotation before any is rehearsed: configuration, store and sources as they are, judged at the chosen date. */
export interface Forecast {
  readonly line: LineName;
  readonly declaration: LineDeclaration;
  readonly policy: Policy;
  /** The nodes that the rotation concerns. */
  readonly nodes: readonly NodeDeclaration[];
  readonly cohorts: CohortPlan;
  readonly mesh: MeshSize;
  readonly now: Instant;
  /** When it would begin. */
  readonly at: Instant;
  readonly horizon: Instant;
  /** Why preflight would refuse, a sentence each; missing successors apart. */
  readonly reasons: readonly string[];
  /** Entries that nothing on offer fits yet. */
  readonly missing: readonly string[];
  /** Files that a source offers and that would not be used. */
  readonly ignored: readonly string[];
  /** Who may approve such a rotation. */
  readonly approvers: readonly PersonId[];
  readonly topology: readonly TopologyFinding[];
  /** Profiles in force whose bytes are not in the store, or are not believed, and why. */
  readonly unreadable: readonly { readonly profile: string; readonly reason: string }[];
}

type Check = (forecast: Forecast) => readonly RehearsalFinding[];

const CHECKS: readonly Check[] = [
  preflightRefuses,
  profilesAreUnreadable,
  successorsAreMissing,
  approversAreFew,
  windowsStayShut,
  nobodyIsInTheOffice,
  seatIsHeldTooLong,
  topologyIsReviewed,
];

/** What would have broken, and what is to be heeded, without anything having been run. */
export const forecastFindings = (forecast: Forecast): readonly RehearsalFinding[] => CHECKS.flatMap((check) => check(forecast));

const day = (at: Instant): string => new Date(at).toISOString().slice(0, 10);
const minute = (at: Instant): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

function preflightRefuses({ reasons, line, at }: Forecast): readonly RehearsalFinding[] {
  return reasons.map((found) => ({
    verdict: 'breaks',
    check: 'preflight',
    found,
    expected: 'nothing that keeps a rotation from beginning',
    next: `Mend it before ${day(at)}; reseal rotation plan --line ${line} --at ${day(at)} says the same until then`,
  }));
}

function profilesAreUnreadable({ unreadable }: Forecast): readonly RehearsalFinding[] {
  return [...new Set(unreadable.map(({ reason }) => reason))].map((reason) => ({
    verdict: 'breaks',
    check: 'profile-bytes',
    found: `${someOf(unreadable.filter((one) => one.reason === reason).map(({ profile }) => profile))}: ${reason}`,
    expected: 'the bytes of every profile in force in the store, signed by Apple: successors are compared with them',
    next: 'Take the files into the store again with reseal profile import, from a node or from the portal',
  }));
}

function successorsAreMissing({ missing, ignored, declaration, now, at, horizon }: Forecast): readonly RehearsalFinding[] {
  if (missing.length === 0) return [];
  const due = at <= now;
  const few = missing.slice(0, 3).join('; ');
  const more = missing.length > 3 ? `; and ${missing.length - 3} more` : '';
  const passed = ignored.length === 0 ? '' : ` (on offer and not usable: ${ignored.slice(0, 2).join('; ')})`;
  return [
    {
      verdict: due ? 'breaks' : 'heed',
      check: 'successors-missing',
      found: `${few}${more}${passed}`,
      expected: `a successor for each by ${day(at)}, in ${declaration.sources.join(' or ')}`,
      next: `${declaration.successorOwner} makes them in Apple's portal and hands them in by then (${describeDistance(at, now)}); the rotation waits for them, at most until ${day(horizon)}`,
    },
  ];
}

function approversAreFew({ approvers, policy }: Forecast): readonly RehearsalFinding[] {
  const { approvals } = policy.gate;
  // Fewer than needed is said by preflight.
  if (approvers.length !== approvals) return [];
  return [
    {
      verdict: 'heed',
      check: 'approvers',
      found: `${approvals} approvals are needed and exactly ${approvals === 1 ? 'one person' : `${approvals} persons`} may give them: ${approvers.join(', ')}`,
      expected: 'one more than needed, for somebody is always away',
      next: 'Give another person of roster.yaml a role that may approve',
    },
  ];
}

/** The first instant from `at` on at which one of the windows is open; null where none opens before `until`. */
function firstOpening(windows: readonly UnlockWindow[], at: Instant, until: Instant): Instant | null {
  const openings = windows.flatMap((window) => {
    const calendar: Calendar = { ...window, holidays: [] };
    const opening = nextOpening(calendar, at);
    return isOpen(calendar, opening) && opening < until ? [opening] : [];
  });
  return openings.length === 0 ? null : Math.min(...openings);
}

function windowsStayShut({ declaration, nodes, cohorts, at, horizon, mesh, policy }: Forecast): readonly RehearsalFinding[] {
  const windows = declaration.keychains?.unlockWindows ?? [];
  if (windows.length === 0) return [];
  const signers = nodes.filter((node) => cohorts[0]?.includes(node.name) === true && node.keys === 'allowed').map((node) => node.name);
  if (signers.length === 0) return [];
  const canary = canaryBegins(at, horizon, mesh, policy);
  const opening = firstOpening(windows, canary, horizon);
  const expected = 'an unlock window that is open while the canary is switched: signing is proved in no other';
  if (opening === null)
    return [
      {
        verdict: 'breaks',
        check: 'unlock-windows',
        found: `no unlock window of the line opens between ${minute(canary)} and the end of the old assets, ${minute(horizon)}: ${someOf(signers)} would never be seen to sign`,
        expected,
        next: 'Widen keychains.unlockWindows in topology.yaml',
      },
    ];
  if (opening <= canary) return [];
  return [
    {
      verdict: 'heed',
      check: 'unlock-windows',
      found: `keychains are locked when the canary is switched (${minute(canary)}); ${someOf(signers)} can sign from ${minute(opening)} on, and is not seen to sign before people are asked`,
      expected,
      next: `Let the scan run inside the window (scan.at in policy.yaml), or start the rotation by hand after ${minute(opening)}`,
    },
  ];
}

const canaryBegins = (at: Instant, horizon: Instant, mesh: MeshSize, policy: Policy): Instant =>
  realWindow(at, horizon, mesh, policy).stretches.find(({ phase }) => phase === 'canary')?.beginsBy ?? at;

function nobodyIsInTheOffice({ policy, at, horizon, mesh }: Forecast): readonly RehearsalFinding[] {
  const name = policy.gate.calendar;
  const calendar = name === null ? undefined : policy.calendars[name];
  if (name === null || calendar === undefined) return [];
  const asked = realWindow(at, horizon, mesh, policy).stretches.find(({ phase }) => phase === 'awaiting-signoff')?.beginsBy ?? at;
  const opening = nextOpening(calendar, asked);
  const latest = latestApproval(horizon, mesh, policy);
  const expected = `office hours (calendar ${name}) between the end of the canary and the last moment at which an approval still fits`;
  if (!isOpen(calendar, opening) || opening > latest)
    return [
      {
        verdict: 'breaks',
        check: 'office-hours',
        found: `approvals are asked for from ${minute(asked)} on, nobody is there before ${isOpen(calendar, opening) ? minute(opening) : 'the calendar is changed'}, and the last moment for them is ${minute(latest)}`,
        expected,
        next: `Start it earlier, or open calendars.${name} in policy.yaml`,
      },
    ];
  if (opening === asked) return [];
  const away = opening - asked;
  return [
    {
      verdict: 'heed',
      check: 'office-hours',
      found: `approvals are asked for outside of office hours: the canary waits ${describeDuration(away)}, until ${minute(opening)}`,
      expected,
      next: `Tell the approvers, or start the rotation in office hours; the window has room for it until ${minute(latest)}`,
    },
  ];
}

/** With one signer its seat is all there is to wait for; with several the others go on. */
function seatIsHeldTooLong({ nodes, policy, declaration, line }: Forecast): readonly RehearsalFinding[] {
  if (declaration.identity === 'sidecar') return [];
  const signers = nodes.filter((node) => node.roles.includes('signer'));
  const [only, ...others] = signers;
  const { longest, rotationWait } = policy.seats;
  if (only === undefined || others.length > 0 || longest <= rotationWait) return [];
  return [
    {
      verdict: 'heed',
      check: 'seat',
      found: `${only.name} alone signs for ${line}; a job may hold its seat for ${describeDuration(longest)}, and the rotation waits ${describeDuration(rotationWait)} for it, then the node counts as failed and the canary turns back`,
      expected: 'a seat that is free when the signer is switched',
      next: `Book the seat for that time (reseal seat book), raise seats.rotationWait in policy.yaml, or declare a second signer`,
    },
  ];
}

function topologyIsReviewed({ topology, line }: Forecast): readonly RehearsalFinding[] {
  return topology
    .filter((finding) => finding.lines.length === 0 || finding.lines.includes(line))
    .flatMap(({ verdict, check, found, expected, next }): readonly RehearsalFinding[] =>
      verdict === 'note' ? [] : [{ verdict: verdict === 'error' ? 'breaks' : 'heed', check, found, expected, next }],
    );
}
