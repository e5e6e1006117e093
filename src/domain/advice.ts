import {
  CADENCES,
  COMPLIANCES,
  PLANNING_BANDS,
  PLANNING_ROWS,
  TEAMS,
  type Cadence,
  type Compliance,
  type PlanningBands,
  type PlanningRow,
  type Team,
} from './advice-rows.js';
import type { Duration } from './brands.js';
import { describeDuration } from './duration.js';

/** What was measured of one's own releases; it takes the place of what is not said on the command line. */
export interface Telemetry {
  /** Where the numbers come from, as a person says it; shown beside them. */
  readonly source: string;
  readonly teamSize?: number;
  /** Outside parties that build or release. */
  readonly vendors?: number;
  readonly releasesPerWeek?: number;
  readonly signingQueueWait?: { readonly median: Duration; readonly p95: Duration };
  /** Bands that one's own data suggests, in place of ours. */
  readonly bands?: PlanningBands;
}

/** As given: a word, or for the team a number of people. */
export interface Asked {
  readonly team?: Team | number;
  readonly compliance: Compliance;
  readonly cadence?: Cadence;
}

/** One axis of the question as it was understood. */
export interface Answered<T> {
  readonly band: T;
  /** How the band was found, as a sentence part: `given`, or the number and the band's borders. */
  readonly because: string;
  readonly from: 'given' | 'telemetry';
}

export interface Understood {
  readonly team: Answered<Team>;
  readonly compliance: Answered<Compliance>;
  readonly cadence: Answered<Cadence>;
}

export interface Advice {
  readonly understood: Understood;
  readonly bands: PlanningBands;
  readonly row: PlanningRow;
  /** Whether the question is one of the planning rows, or lies between them. */
  readonly exact: boolean;
  /** Why this row: one sentence per axis that differs, or one that says that none does. */
  readonly reasons: readonly string[];
  /** What the row lacks for this question, and what the measurements ask for. */
  readonly additions: readonly string[];
}

function teamBand(people: number, { teamSize: { mid, platform } }: PlanningBands): { readonly band: Team; readonly borders: string } {
  if (people < mid) return { band: 'small', borders: `below ${mid}` };
  if (people < platform) return { band: 'mid', borders: `${mid} to ${platform - 1}` };
  return { band: 'platform', borders: `${platform} or more` };
}

function cadenceBand(perWeek: number, bands: PlanningBands): { readonly band: Cadence; readonly borders: string } {
  const { weekly, daily, continuous } = bands.releasesPerWeek;
  if (perWeek < weekly) return { band: 'irregular', borders: `below ${weekly} a week` };
  if (perWeek < daily) return { band: 'weekly', borders: `${weekly} to below ${daily} a week` };
  if (perWeek < continuous) return { band: 'daily', borders: `${daily} to below ${continuous} a week` };
  return { band: 'continuous', borders: `${continuous} a week or more` };
}

/** A word says it all; several vendors outweigh any number of people. */
function understandTeam(asked: Asked, telemetry: Telemetry | null, bands: PlanningBands): Answered<Team> | null {
  if (typeof asked.team === 'string') return { band: asked.team, because: 'given', from: 'given' };
  const vendors = telemetry?.vendors ?? 0;
  if (vendors >= 2) return { band: 'multi-vendor', because: `${vendors} vendors`, from: 'telemetry' };
  const people = asked.team ?? telemetry?.teamSize;
  if (people === undefined) return null;
  const { band, borders } = teamBand(people, bands);
  return {
    band,
    because: `${people === 1 ? '1 person' : `${people} people`} (${borders})`,
    from: asked.team === undefined ? 'telemetry' : 'given',
  };
}

function understandCadence(asked: Asked, telemetry: Telemetry | null, bands: PlanningBands): Answered<Cadence> | null {
  if (asked.cadence !== undefined) return { band: asked.cadence, because: 'given', from: 'given' };
  const measured = telemetry?.releasesPerWeek;
  if (measured === undefined) return null;
  const { band, borders } = cadenceBand(measured, bands);
  return { band, because: `${measured} releases a week (${borders})`, from: 'telemetry' };
}

/** Which of the bands neither the command line nor the telemetry tells. */
export interface Untold {
  readonly untold: readonly ('team' | 'cadence')[];
}

/** Isolation is a property, not a degree: a row without it is never near to somebody who has vendors, and the other way round. */
const ISOLATION = 10;
/** A row that plans for less compliance than is asked is farther than one that plans for more. */
const SHORT_OF_COMPLIANCE = 2;

function teamDistance(asked: Team, row: PlanningRow): number {
  if (asked === row.team) return 0;
  if (asked === 'multi-vendor' || row.team === 'multi-vendor') return ISOLATION;
  return Math.abs(TEAMS.indexOf(asked) - TEAMS.indexOf(row.team));
}

function complianceDistance(asked: Compliance, row: PlanningRow): number {
  const short = COMPLIANCES.indexOf(asked) - COMPLIANCES.indexOf(row.compliance);
  return short > 0 ? short * SHORT_OF_COMPLIANCE : -short;
}

const cadenceDistance = (asked: Cadence, row: PlanningRow): number =>
  Math.min(...row.cadences.map((cadence) => Math.abs(CADENCES.indexOf(asked) - CADENCES.indexOf(cadence))));

/** The nearest row. Of two that are as near, the one that meets the compliance, then the one for the nearer team. */
function nearestRow({ team, compliance, cadence }: Understood): { readonly row: PlanningRow; readonly distance: number } {
  const ranked = PLANNING_ROWS.map((row) => ({
    row,
    distance: teamDistance(team.band, row) + complianceDistance(compliance.band, row) + cadenceDistance(cadence.band, row),
    short: COMPLIANCES.indexOf(row.compliance) < COMPLIANCES.indexOf(compliance.band) ? 1 : 0,
    teams: teamDistance(team.band, row),
  })).toSorted((a, b) => a.distance - b.distance || a.short - b.short || a.teams - b.teams);
  const [nearest] = ranked;
  if (nearest === undefined) throw new RangeError('there are no planning rows');
  return nearest;
}

/** As the planning rows have it: `weekly or more often`. */
const plannedCadence = ({ cadences }: PlanningRow): string => `${cadences[0] ?? ''}${cadences.length > 1 ? ' or more often' : ''}`;

function reasonsOf({ team, compliance, cadence }: Understood, row: PlanningRow): string[] {
  const reasons: string[] = [];
  const at = { asked: COMPLIANCES.indexOf(compliance.band), row: COMPLIANCES.indexOf(row.compliance) };
  if (team.band !== row.team) reasons.push(`It is planned for a ${row.team} team, and yours is ${team.band}: no other row is nearer.`);
  if (at.asked > at.row) reasons.push(`It is planned for ${row.compliance} compliance, and yours is ${compliance.band}: see what to add.`);
  if (at.asked < at.row)
    reasons.push(`It is planned for ${row.compliance} compliance, and yours is ${compliance.band}: it holds more than you are asked for.`);
  if (!row.cadences.includes(cadence.band))
    reasons.push(`It is planned for releases that are ${plannedCadence(row)}, and yours are ${cadence.band}.`);
  if (reasons.length > 0)
    return [`No planning row is ${team.band}, ${compliance.band}, ${cadence.band}; this one is the nearest.`, ...reasons];
  return [`Your team, compliance and cadence are those of a planning row: ${row.team}, ${row.compliance}, ${plannedCadence(row)}.`];
}

function additionsOf(
  { team, compliance, cadence }: Understood,
  row: PlanningRow,
  telemetry: Telemetry | null,
  bands: PlanningBands,
): string[] {
  const additions: string[] = [];
  const short = COMPLIANCES.indexOf(compliance.band) - COMPLIANCES.indexOf(row.compliance);
  if (short > 0) additions.push('Keep the audit index complete from the first day: every signature with its manifest, image and ticket.');
  if (compliance.band === 'high' && row.name !== 'hsm-sidecar')
    additions.push('Put the keys of each line behind a sidecar (identity: sidecar): high compliance asks for keys on no disk.');
  if (row.name === 'dedicated-signer' && (cadence.band === 'daily' || cadence.band === 'continuous'))
    additions.push('Have two signers in each region, with booked seats: at this cadence an archive that waits is a release that waits.');
  if (team.band === 'platform' && row.name === 'controlled-distribution')
    additions.push('Give each region a publisher and signers of its own, so that a region that is cut off still releases.');
  const wait = telemetry?.signingQueueWait;
  if (wait !== undefined && wait.p95 > bands.signingQueueWait)
    additions.push(
      `Archives wait ${describeDuration(wait.p95)} for a signer at the 95th percentile, more than ${describeDuration(bands.signingQueueWait)}: add a signer before you change anything else.`,
    );
  return additions;
}

/** The first stable topology for a team, or what neither the question nor the telemetry tells. What is given goes before what was measured. */
export function advise(asked: Asked, telemetry: Telemetry | null = null): Advice | Untold {
  const bands = telemetry?.bands ?? PLANNING_BANDS;
  const team = understandTeam(asked, telemetry, bands);
  const cadence = understandCadence(asked, telemetry, bands);
  if (team === null || cadence === null) {
    return { untold: [...(team === null ? (['team'] as const) : []), ...(cadence === null ? (['cadence'] as const) : [])] };
  }
  const understood: Understood = { team, compliance: { band: asked.compliance, because: 'given', from: 'given' }, cadence };
  const { row, distance } = nearestRow(understood);
  return {
    understood,
    bands,
    row,
    exact: distance === 0,
    reasons: reasonsOf(understood, row),
    additions: additionsOf(understood, row, telemetry, bands),
  };
}
