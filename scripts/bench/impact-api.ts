/** A control API in a process of its own, over a mesh that has been seen by the ledger; says on the IPC channel where it is, and ends with it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { parse, stringify } from 'yaml';
import { createApi, listen } from '../../src/api/server.js';
import { newToken } from '../../src/api/token.js';
import type { NodeName, Sha256 } from '../../src/domain/brands.js';
import type { NodeReport } from '../../src/domain/node/report.js';
import { parseManifest } from '../../src/manifest/parse.js';
import { openLedger } from '../../src/ledger/open.js';
import { createMesh, type SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { simulatedNodes, type SimulatedApp } from '../../src/simulator/mesh/spec.js';
import { openSurroundings } from '../../src/temporal/surroundings.js';

export interface ImpactMesh {
  /** Its own; removed by whoever named it. */
  readonly folder: string;
  readonly nodes: number;
  readonly profiles: number;
  readonly pipelines: number;
}

/** Where the API is, and what to ask it for. */
export interface ImpactApi {
  readonly url: string;
  readonly token: string;
  readonly certificate: string;
  readonly profile: string;
}

/** Each app is a host with four extensions. */
const PER_APP = 5;
/** Reports in one statement of the ledger: about as many as a step has. */
const AT_ONCE = 100;
const HOUR = 3_600_000;

function appsOf(profiles: number): readonly SimulatedApp[] {
  return Array.from({ length: Math.ceil(profiles / PER_APP) }, (_, app) => ({
    name: `app${app}`,
    bundles: Array.from({ length: Math.min(PER_APP, profiles - app * PER_APP) }, (_bundle, index) => ({
      bundleId: index === 0 ? `com.acme.app${app}` : `com.acme.app${app}.extension${index}`,
      role: index === 0 ? ('host' as const) : ('extension' as const),
      target: `Target${app}x${index}`,
    })),
  }));
}

/** Declares so many pipelines, each with all bundles of one app; apps have several. */
function declarePipelines({ folders }: SimulatedMesh, apps: readonly SimulatedApp[], count: number): void {
  const file = join(folders.config, 'topology.yaml');
  const pipelines = Array.from({ length: count }, (_, index) => {
    const app = apps[index % apps.length];
    return { name: `${app?.name ?? ''}-${index}`, bundles: app?.bundles.map(({ bundleId }) => bundleId) ?? [] };
  });
  writeFileSync(file, stringify({ ...(parse(readFileSync(file, 'utf8')) as object), pipelines }));
}

/** What a healthy node says in mid-rotation, with one build on it that holds the manifest. */
const reportOf = (node: string, manifest: Sha256, pipeline: string, bundles: readonly string[], at: number): NodeReport => ({
  node: node as NodeName,
  at,
  protocol: 1,
  version: '0.1.0',
  image: 'tahoe-26.1-b4',
  active: manifest,
  accepted: [manifest],
  epoch: 1000,
  identities: null,
  pins: { pipelines: [pipeline], held: [{ job: `${node}-1`, pipeline, bundles, manifest, at, expires: at + HOUR }] },
  verdict: 'pass',
  problems: [],
  findings: [],
});

async function serve({ folder, nodes, profiles, pipelines }: ImpactMesh): Promise<ImpactApi> {
  const apps = appsOf(profiles);
  const mesh = await createMesh({ folder, nodes: simulatedNodes(nodes), apps, successors: false });
  declarePipelines(mesh, apps, pipelines);
  const around = await openSurroundings(mesh.folders.config, mesh.folders.root);
  const ledger = await openLedger({ kind: 'embedded', folder: join(folder, 'database') });
  const now = Date.now();
  const reports = mesh.nodes.map(({ name }, index) => {
    const app = apps[index % apps.length];
    return reportOf(
      name,
      mesh.manifest,
      `${app?.name ?? ''}-${index % pipelines}`,
      app?.bundles.map(({ bundleId }) => bundleId) ?? [],
      now,
    );
  });
  for (let start = 0; start < reports.length; start += AT_ONCE)
    await ledger.saveNodeReports(mesh.line, reports.slice(start, start + AT_ONCE));
  const manifest = parseManifest(await around.store('main').manifest(mesh.manifest), `manifests/${mesh.manifest}.json`);
  // Of Temporal this question asks nothing: the connection would be made by the first call.
  const client = new Client({ connection: Connection.lazy({ address: '127.0.0.1:1' }) });
  const token = newToken();
  const { url } = await listen(createApi({ desk: { client, ledger, around, taskQueue: 'bench', home: folder }, token }), '127.0.0.1:0');
  return { url, token, certificate: mesh.certificate.sha1, profile: manifest.profiles[0]?.profile.uuid ?? '' };
}

process.once('disconnect', () => process.exit(0));
process.once('message', (mesh: ImpactMesh) => {
  serve(mesh).then(
    (api) => process.send?.(api),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
