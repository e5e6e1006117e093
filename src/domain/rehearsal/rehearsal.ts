import type { Duration, Instant, Sha256 } from '../brands.js';
import { graveFirst, type RehearsalFinding } from './finding.js';
import { forecastFindings, type Forecast } from './forecast.js';
import { buildFindings, runFindings, type RehearsedBuilds, type RehearsedRun } from './run.js';
import { realWindow, type RealWindow } from './window.js';

/** Everything that a rehearsal saw. */
export interface Rehearsal {
  readonly forecast: Forecast;
  /** Digest of the manifest in force whose end was rehearsed. */
  readonly inForce: Sha256;
  /** By how much waits were divided. */
  readonly factor: number;
  readonly began: Instant;
  readonly ended: Instant;
  /** New certificates that the successors brought. */
  readonly newCertificates: number;
  /** Persons who approved though the roster knows none of them: it has too few. */
  readonly standIns: readonly string[];
  readonly runs: readonly RehearsedRun[];
  readonly builds: RehearsedBuilds;
}

export const findingsOf = ({ forecast, runs, builds }: Pick<Rehearsal, 'forecast' | 'runs' | 'builds'>): readonly RehearsalFinding[] =>
  graveFirst([...forecastFindings(forecast), ...runs.flatMap(runFindings), ...buildFindings(builds)]);

export const windowOfRehearsal = ({ forecast: { at, horizon, mesh, policy } }: Pick<Rehearsal, 'forecast'>): RealWindow =>
  realWindow(at, horizon, mesh, policy);

/** Per node about that long, in milliseconds, on a machine of two cores: staging, switching, probing and retiring, or the way back. */
const NODE_WORK: Duration = 3_500;
/** Server, mesh and first manifest. */
const PREPARATION: Duration = 35_000;

/** About how long a rehearsal takes. @param waits of one rotation, compressed */
export const estimate = (nodes: number, waits: Duration, runs: number): Duration => PREPARATION + runs * (waits + nodes * NODE_WORK);
