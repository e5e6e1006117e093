import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { loadConfiguration } from '../../configuration/load.js';
import type { LineName, NodeName } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import type { BuildersEnd } from '../../simulator/builder.js';
import { createExampleMesh, type SeedableLine } from '../../simulator/mesh/example-mesh.js';
import { createMesh } from '../../simulator/mesh/create.js';
import { FAILS, type Fail } from '../../simulator/mesh/faults.js';
import { meshFolders } from '../../simulator/mesh/files.js';
import { createRealMesh, REAL_DATE } from '../../simulator/mesh/real.js';
import { seedNodes } from '../../simulator/mesh/seed.js';
import { stopRecorded } from '../../temporal/embedded-server.js';
import { openSurroundings } from '../../temporal/surroundings.js';
import { situationOf } from '../../../activities/rotation/surroundings.js';
import type { FoundExample } from './example.js';
import { hasSidecar, startDemoSidecar, stopDemoSidecar } from './sidecar.js';

const record = z.object({
  schemaVersion: z.literal(1),
  real: z.boolean(),
  fail: z.enum(FAILS).nullable(),
  /** `--example`. */
  example: z.string().nullable(),
  /** Milliseconds added to the clock in expiry comparisons. */
  offset: z.number(),
  /** `nodes`: those that its manifest concerns. */
  lines: z
    .array(
      z.object({
        line: z.string().transform((name) => name as LineName),
        nodes: z.array(z.string().transform((name) => name as NodeName)),
        rotation: z.string().nullable(),
        outcome: z.string().nullable(),
      }),
    )
    .min(1),
});
/** `<home>/demo.json`: what this demo is, so that it can be taken up again. */
export type DemoRecord = Omit<Readonly<z.infer<typeof record>>, 'lines'> & { readonly lines: readonly DemoLine[] };
export interface DemoLine {
  readonly line: LineName;
  readonly nodes: readonly NodeName[];
  readonly rotation: string | null;
  /** The phase that it ended in. */
  readonly outcome: string | null;
}

const fileOf = (home: string): string => join(home, 'demo.json');

export function readDemo(home: string): DemoRecord | null {
  if (!existsSync(fileOf(home))) return null;
  const parsed = record.safeParse(JSON.parse(readFileSync(fileOf(home), 'utf8')));
  return parsed.success ? parsed.data : null;
}

export function writeDemo(home: string, demo: DemoRecord): void {
  writeFileSync(fileOf(home), `${JSON.stringify(demo, null, 2)}\n`);
}

const builds = z.object({ builds: z.number(), checks: z.number(), late: z.number(), failures: z.array(z.string()) });
const buildsFileOf = (home: string): string => join(home, 'builds.json');

/** What builders have counted so far, in all runs of this demo: `<home>/builds.json`. Null where nothing has been counted. */
export function readBuilds(home: string): BuildersEnd | null {
  if (!existsSync(buildsFileOf(home))) return null;
  const parsed = builds.safeParse(JSON.parse(readFileSync(buildsFileOf(home), 'utf8')));
  return parsed.success ? parsed.data : null;
}

/** At every moment the file is whole: the demo may be killed at any. */
export function writeBuilds(home: string, counted: BuildersEnd): void {
  writeFileSync(`${buildsFileOf(home)}.new`, `${JSON.stringify(counted)}\n`);
  renameSync(`${buildsFileOf(home)}.new`, buildsFileOf(home));
}

/** Removes a demo and nothing else: a folder that holds anything but a demo is left alone. */
export async function removeDemo(home: string): Promise<void> {
  if (!existsSync(home)) return;
  const names = readdirSync(home).filter((name) => name !== 'up.lock');
  if (names.length > 0 && !existsSync(fileOf(home)) && !names.includes('demo.making')) {
    throw new ResealError('REFUSED', `${home} is not a demo's home: it holds ${names.slice(0, 3).join(', ')}. Name another with --home.`);
  }
  await stopRecorded(home);
  await stopDemoSidecar(home);
  for (const name of names) rmSync(join(home, name), { recursive: true, force: true });
}

export interface DemoRequest {
  readonly home: string;
  readonly real: boolean;
  readonly fail: Fail | null;
  readonly example: FoundExample | null;
  /** Folder with the Apple-signed profiles, for `--real`. */
  readonly fixtures: string;
  readonly onProgress: (line: string) => void;
  /** Runs `reseal`: the script's path. */
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Makes the mesh: configuration, profiles, nodes with the first manifest on them. */
export async function makeDemo(request: DemoRequest): Promise<DemoRecord> {
  const { home } = request;
  mkdirSync(home, { recursive: true, mode: 0o700 });
  writeFileSync(join(home, 'demo.making'), '');
  const offset = request.real ? Date.parse(REAL_DATE) - Date.now() : 0;
  const made = await makeMesh(request);
  const { config } = meshFolders(home);
  // Nodes that are seeded have it sign.
  if (hasSidecar(home)) await startDemoSidecar(home, request.program, request.env);
  const around = await openSurroundings(config, home);
  const lines: DemoLine[] = [];
  try {
    const configuration = loadConfiguration(config);
    for (const { line, manifest } of made) {
      const { store } = situationOf(around, line);
      const nodes = await seedNodes(configuration, store, around.profiles, line, manifest);
      lines.push({ line, nodes, rotation: null, outcome: null });
    }
  } finally {
    await around.close();
    await stopDemoSidecar(home);
  }
  const demo: DemoRecord = {
    schemaVersion: 1,
    real: request.real,
    fail: request.fail,
    example: request.example?.example.name ?? null,
    offset,
    lines,
  };
  writeDemo(home, demo);
  rmSync(join(home, 'demo.making'), { force: true });
  return demo;
}

async function makeMesh({ home, real, example, fixtures, onProgress }: DemoRequest): Promise<readonly SeedableLine[]> {
  if (example !== null) {
    onProgress(`making the mesh of the example ${example.example.name}`);
    return (await createExampleMesh({ folder: home, example: example.example, exampleFolder: example.folder })).lines;
  }
  onProgress('making a mesh of 12 simulated nodes');
  return [real ? await createRealMesh(home, fixtures) : await createMesh({ folder: home })];
}
