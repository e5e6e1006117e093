import { z } from 'zod';
import { PLANNING_BANDS, type PlanningBands } from '../domain/advice-rows.js';
import type { Telemetry } from '../domain/advice.js';
import { positive, positiveDuration, schemaVersion, text } from './fields.js';

const perWeek = z.number({ error: 'a number of releases a week' }).nonnegative({ error: 'a number of releases a week from 0' });

const bands = z
  .strictObject({
    teamSize: z.strictObject({ mid: positive, platform: positive }).default(PLANNING_BANDS.teamSize),
    releasesPerWeek: z.strictObject({ weekly: perWeek, daily: perWeek, continuous: perWeek }).default(PLANNING_BANDS.releasesPerWeek),
    signingQueueWait: positiveDuration.default(PLANNING_BANDS.signingQueueWait),
  })
  .refine(({ teamSize }) => teamSize.mid < teamSize.platform, { path: ['teamSize', 'platform'], error: 'more people than mid begins with' })
  .refine(({ releasesPerWeek: { weekly, daily } }) => weekly < daily, { path: ['releasesPerWeek', 'daily'], error: 'more than weekly' })
  .refine(({ releasesPerWeek: { daily, continuous } }) => daily < continuous, {
    path: ['releasesPerWeek', 'continuous'],
    error: 'more than daily',
  });

const wait = z
  .strictObject({ median: positiveDuration, p95: positiveDuration })
  .refine(({ median, p95 }) => median <= p95, { path: ['p95'], error: 'at least the median' });

/** A file of measurements for `reseal advise --telemetry`: YAML or JSON. */
export const TelemetrySchema = z
  .strictObject({
    schemaVersion,
    /** Where the numbers come from: system, query, period, who; shown wherever they are. */
    source: text,
    /** People who change the apps. */
    teamSize: positive.optional(),
    /** Outside parties that build or release; two or more make a mesh multi-vendor. */
    vendors: z.int({ error: 'a whole number from 0' }).nonnegative({ error: 'a whole number from 0' }).optional(),
    releasesPerWeek: perWeek.optional(),
    signingQueueWait: wait.optional(),
    bands: bands.optional(),
  })
  .transform(({ source, teamSize, vendors, releasesPerWeek, signingQueueWait, bands: own }): Telemetry => ({
    source,
    ...(teamSize === undefined ? {} : { teamSize }),
    ...(vendors === undefined ? {} : { vendors }),
    ...(releasesPerWeek === undefined ? {} : { releasesPerWeek }),
    ...(signingQueueWait === undefined ? {} : { signingQueueWait }),
    ...(own === undefined ? {} : { bands: own satisfies PlanningBands }),
  }));
