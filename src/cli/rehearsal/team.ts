import { previewRotation, type Preview } from '../../../activities/rotation/prepare.js';
import {
  headOf,
  nodesOf,
  rightsOf,
  situationOf,
  type LineSituation,
  type Surroundings,
} from '../../../activities/rotation/surroundings.js';
import { loadConfiguration, type Configuration } from '../../configuration/load.js';
import type { Instant, LineName, PersonId, Sha256 } from '../../domain/brands.js';
import { describeDistance } from '../../domain/duration.js';
import { ResealError } from '../../domain/errors.js';
import { dueAt, horizonOf } from '../../domain/groups.js';
import type { Manifest } from '../../domain/manifest.js';
import type { ProfileDescription } from '../../domain/profile.js';
import { dueFrom, startsBySchedule } from '../../domain/rehearsal/date.js';
import type { Forecast } from '../../domain/rehearsal/forecast.js';
import { maxUnavailable, planCohorts } from '../../domain/rotation/cohorts.js';
import { reviewTopology } from '../../domain/topology-review/review.js';
import { openSurroundings } from '../../temporal/surroundings.js';
import { localPlaces } from '../local-places.js';

/** A team's line as it is, and what can be said of a rotation of it without one. */
export interface TeamLine {
  readonly team: Configuration;
  readonly from: Manifest;
  readonly fromDigest: Sha256;
  /** What profiles in force say themselves, by digest, as far as their bytes are there. */
  readonly known: ReadonlyMap<Sha256, ProfileDescription>;
  readonly forecast: Forecast;
}

export interface TeamRequest {
  readonly folder: string;
  readonly line: string | undefined;
  /** Null: at the first scan in which something is due. */
  readonly at: Instant | null;
  readonly now: Instant;
  /** Where stores by URL have their clones for as long as the rehearsal lasts. */
  readonly clones: string;
}

/**
 * Reads a configuration folder, its store and its sources; writes to none of them.
 * @throws ResealError CONFIG_MISSING, CONFIG_INVALID, NOT_FOUND, USAGE, STORE_UNREACHABLE, REFUSED where nothing is due, PAST_HORIZON
 */
export async function readTeam(request: TeamRequest): Promise<TeamLine> {
  const team = loadConfiguration(request.folder);
  const line = lineOf(team, request.line);
  const around = await openSurroundings(request.folder, request.clones);
  try {
    const situation = situationOf(around, line);
    const { head, manifest: from } = await headOf(situation.store, line);
    const { known, unreadable } = await profilesOf(around, situation, from);
    const at = dateOf(request, team, line, from);
    const horizon = horizonOf(from, dueAt(from, team.policy, at).entries);
    const preview = await previewAt(around, line, at, team);
    const nodes = nodesOf(situation, from);
    const cohorts = planCohorts(nodes, team.policy);
    const forecast: Forecast = {
      line,
      declaration: situation.declaration,
      policy: team.policy,
      nodes,
      cohorts,
      mesh: {
        nodes: nodes.length,
        waves: cohorts.map((wave) => wave.length),
        maxUnavailable: maxUnavailable(team.policy.cohorts.maxUnavailable, nodes.length),
      },
      now: request.now,
      at,
      horizon,
      ...preview,
      topology: reviewTopology({ topology: team.topology, roster: team.roster, places: localPlaces(team), wipeable: team.policy.wipeable }),
      unreadable,
    };
    return { team, from, fromDigest: head.digest, known, forecast };
  } finally {
    await around.close();
  }
}

function lineOf({ topology, paths }: Configuration, named: string | undefined): LineName {
  const lines = Object.keys(topology.lines) as LineName[];
  if (named !== undefined) {
    const found = lines.find((line) => line === named);
    if (found !== undefined) return found;
    throw new ResealError('NOT_FOUND', `There is no line ${named} in ${paths.topology}; it declares ${lines.join(', ') || 'none'}.`);
  }
  const [only, ...others] = lines;
  if (only === undefined || others.length > 0)
    throw new ResealError('USAGE', `${paths.topology} declares ${lines.join(', ') || 'no line'}: name the one to rehearse with --line.`);
  return only;
}

/** The chosen date, or by itself the one on which the schedule would start it. */
function dateOf({ at, now }: TeamRequest, { policy }: Configuration, line: LineName, from: Manifest): Instant {
  const opens = dueFrom(from, policy);
  const date = at ?? startsBySchedule(from, policy, now);
  const iso = (instant: Instant): string => new Date(instant).toISOString();
  const due = dueAt(from, policy, date).entries;
  if (due.length === 0)
    throw new ResealError(
      'REFUSED',
      `Nothing of ${line} is due on ${iso(date)}: the window of what expires first opens ${iso(opens)}, ${describeDistance(opens, date)} from then. Rehearse with --at ${iso(opens).slice(0, 10)} or later, or leave --at out.`,
    );
  const horizon = horizonOf(from, due);
  if (horizon <= date)
    throw new ResealError(
      'PAST_HORIZON',
      `What is in force on ${line} has expired by ${iso(date)} (${iso(horizon)}): there is nothing left that a rotation could return to. Rehearse with --at and a date before that.`,
    );
  return date;
}

async function profilesOf(
  around: Surroundings,
  { store }: LineSituation,
  from: Manifest,
): Promise<{ readonly known: ReadonlyMap<Sha256, ProfileDescription>; readonly unreadable: Forecast['unreadable'] }> {
  const known = new Map<Sha256, ProfileDescription>();
  const unreadable: Forecast['unreadable'][number][] = [];
  for (const { bundleId, method, profile } of from.profiles) {
    if (known.has(profile.sha256)) continue;
    try {
      known.set(profile.sha256, around.profiles.verify(await store.profile(profile.sha256)).profile);
    } catch (error) {
      if (!(error instanceof ResealError)) throw error;
      unreadable.push({ profile: `${bundleId} (${method}, ${profile.uuid.slice(0, 8)})`, reason: error.message.replace(/\.$/, '') });
    }
  }
  return { known, unreadable };
}

/** What preflight would say on that day, of configuration, store and sources as they are today. */
async function previewAt(
  around: Surroundings,
  line: LineName,
  at: Instant,
  team: Configuration,
): Promise<Pick<Forecast, 'reasons' | 'missing' | 'ignored' | 'approvers'>> {
  const approvers = personsWhoApprove(team);
  try {
    const trigger = { kind: 'schedule', by: 'schedule' as PersonId, ticket: team.policy.scan.ticket } as const;
    const { reasons, missing, ignored }: Preview = await previewRotation({ ...around, clock: () => at }, { line, offset: 0, trigger });
    return { reasons, missing, ignored, approvers };
  } catch (error) {
    if (!(error instanceof ResealError)) throw error;
    return { reasons: [error.message.replace(/\.$/, '')], missing: [], ignored: [], approvers };
  }
}

const personsWhoApprove = (team: Configuration): readonly PersonId[] =>
  Object.entries(rightsOf(team)).flatMap(([person, commands]) => (commands.includes('approve') ? [person as PersonId] : []));
