import { z } from 'zod';
import { HandoffSchema } from './handoff.js';
import { PolicySchema } from './policy.js';
import { RehearsalSchema } from './rehearsal.js';
import { ResealSchema } from './reseal.js';
import { RosterSchema } from './roster.js';
import { SidecarSchema } from './sidecar.js';
import { TelemetrySchema } from './telemetry.js';
import { TopologyFile } from './topology.js';

const SCHEMAS = {
  topology: TopologyFile,
  policy: PolicySchema,
  roster: RosterSchema,
  reseal: ResealSchema,
  telemetry: TelemetrySchema,
  sidecar: SidecarSchema,
} as const;

/** JSON Schemas for editors, of the files as people write them, of the handoff that pipelines give to each other, and of a rehearsal's report; by file name. */
export function configurationJsonSchemas(): Readonly<Record<string, unknown>> {
  const handoff = { title: 'reseal: handoff.json', ...z.toJSONSchema(HandoffSchema, { io: 'input' }) };
  const configuration = Object.fromEntries(
    Object.entries(SCHEMAS).map(([name, schema]) => [
      `${name}.schema.json`,
      { title: `reseal: ${name}.yaml`, ...z.toJSONSchema(schema, { io: 'input' }) },
    ]),
  );
  const rehearsal = { title: 'reseal: rotation rehearse --json', ...z.toJSONSchema(RehearsalSchema) };
  return { ...configuration, 'handoff.schema.json': handoff, 'rehearsal.schema.json': rehearsal };
}
