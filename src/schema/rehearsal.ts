import { z } from 'zod';
import { schemaVersion } from './fields.js';

const instant = z.iso.datetime();
/** Milliseconds. */
const duration = z.number();
const count = z.int().min(0);
const text = z.string();

const finding = z.strictObject({
  /** `breaks`: the rotation would have been refused, have turned back, or have broken builds. */
  verdict: z.enum(['breaks', 'heed']),
  check: text,
  found: text,
  expected: text,
  next: text,
});

const nodePath = z.strictObject({
  node: text,
  cohort: text,
  serves: z.enum(['old', 'new', 'other']),
  steps: z.array(z.strictObject({ step: text, after: duration, took: duration, outcome: text, passes: count.nullable(), reason: text })),
});

const run = z.strictObject({
  rotation: text,
  /** What was broken on purpose; null: nothing. */
  fault: text.nullable(),
  expected: z.array(text),
  /** Null: it came to no end. */
  outcome: text.nullable(),
  reasons: z.array(text),
  from: text.nullable(),
  to: text.nullable(),
  began: instant.nullable(),
  took: duration,
  restoredAfter: duration.nullable(),
  phases: z.array(z.strictObject({ phase: text, after: duration, took: duration })),
  approvals: z.array(z.strictObject({ standsFor: text, after: duration })),
  questions: z.array(text),
  troubles: z.array(text),
  nodes: z.array(nodePath),
  wayBack: z.array(z.strictObject({ order: z.int().min(1), after: duration, cohort: text, node: text, step: text, outcome: text })),
});

/** What `rotation rehearse --json` prints. */
export const RehearsalSchema = z.strictObject({
  schemaVersion,
  verdict: z.enum(['pass', 'fail']),
  line: text,
  manifest: text,
  at: instant,
  horizon: instant,
  rehearsedAt: instant,
  took: duration,
  compress: z.int().min(1),
  mesh: z.strictObject({
    nodes: count,
    maxUnavailable: count,
    cohorts: z.array(z.strictObject({ name: text, nodes: z.array(text) })),
  }),
  newCertificates: count,
  standIns: z.array(text),
  findings: z.array(finding),
  window: z.strictObject({
    phases: z.array(
      z.strictObject({ phase: text, beginsBy: instant, atMost: duration, beforeExpiry: duration, took: duration.nullable() }),
    ),
    endsBy: instant,
    turnsBackUntil: instant,
    spare: duration,
  }),
  runs: z.array(run),
  builds: z.strictObject({ builds: count, checks: count, failures: z.array(text) }),
});
