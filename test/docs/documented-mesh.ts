import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfiguration } from '../../src/configuration/load.js';
import { createMesh } from '../../src/simulator/mesh/create.js';
import { seedNodes } from '../../src/simulator/mesh/seed.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { stopRecorded } from '../../src/temporal/embedded-server.js';
import { openSurroundings } from '../../src/temporal/surroundings.js';
import { cleanEnv, RunningReseal, runReseal, type RanReseal } from '../cli/processes.js';
import { until } from '../setup/until.js';
import { FAST_POLICY } from '../e2e/rotating-mesh.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

/** `no-head`: the line has no manifest yet, and its successors lie in `downloads/`. */
export type MeshState = 'in-force' | 'no-head';

interface StatusView {
  readonly rotation: { readonly id: string; readonly phase: string; readonly outcome: string | null; readonly commands: readonly string[] };
}

/** The folder that the documents are read in: `reseal/`, `drop/`, `profiles/`, `nodes/`, `store.git`, and a real `up` on it. */
export class DocumentedMesh {
  private constructor(
    readonly folder: string,
    readonly home: string,
    private readonly up: RunningReseal,
  ) {}

  static async start(state: MeshState): Promise<DocumentedMesh> {
    const folder = temporaryFolder('reseal-docs');
    // A soak that leaves time to say something to the rotation while it goes on.
    const mesh = await createMesh({ folder, nodes: simulatedNodes(6), policy: FAST_POLICY });
    const around = await openSurroundings(mesh.folders.config, mesh.folders.root);
    await seedNodes(loadConfiguration(mesh.folders.config), around.store('main'), around.profiles, mesh.line, mesh.manifest);
    await around.close();
    symlinkSync(mesh.folders.config, join(folder, 'reseal'));
    if (state === 'no-head') {
      rmSync(mesh.folders.store, { recursive: true, force: true });
      mkdirSync(join(folder, 'downloads'));
      for (const name of readdirSync(mesh.folders.drop)) renameSync(join(mesh.folders.drop, name), join(folder, 'downloads', name));
    }
    const home = join(folder, 'state');
    const up = RunningReseal.start(['up', '--home', home], { env: cleanEnv(home), cwd: folder });
    await up.says('Ctrl-C ends it.');
    return new DocumentedMesh(folder, home, up);
  }

  get env(): NodeJS.ProcessEnv {
    return cleanEnv(this.home, { RESEAL_CONFIG: join(this.folder, 'reseal') });
  }

  reseal(...args: readonly string[]): Promise<RanReseal> {
    return runReseal(args, { env: this.env });
  }

  private async json<T>(...args: readonly string[]): Promise<T> {
    const ran = await this.reseal(...args, '--json');
    return JSON.parse(ran.stdout) as T;
  }

  /** The newest rotation; null before the first. */
  async newest(): Promise<string | null> {
    const { rotations } = await this.json<{ rotations: { id: string }[] }>('rotation', 'list');
    return rotations[0]?.id ?? null;
  }

  /** A command is said when it has a meaning: the documents show it, people wait for it. */
  async untilLegal(id: string, command: string): Promise<void> {
    await until(
      async () => {
        const { rotation } = await this.json<StatusView>('rotation', 'status', id);
        return rotation.commands.includes(command) || (command === 'rollback' && rotation.phase === 'completed');
      },
      { what: `${id} to take ${command}`, timeout: 120_000, every: 200 },
    );
  }

  async stop(): Promise<void> {
    await this.up.stop();
    await stopRecorded(this.home);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
