import { PassThrough } from 'node:stream';
import type { RunningHttp } from '../../src/api/listen.js';
import { createApi, listen, type ApiOptions } from '../../src/api/server.js';
import type { ServedIdentity } from '../../src/api/tls.js';
import { newToken } from '../../src/api/token.js';
import type { Input } from '../../src/cli/consent.js';
import { run } from '../../src/cli/main.js';
import type { RotationDesk } from '../../src/api/rotations.js';
import type { EventView, RotationView } from '../../src/presenters/rotation.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { OwnServer } from '../e2e/own-server.js';
import { RotatingMesh, type RotatingMeshRequest } from '../e2e/rotating-mesh.js';
import { until } from '../setup/until.js';

/** What these tests are about is not a node's slowness: a busy machine must not turn a rotation back. */
const PATIENT = {
  cohorts: { canary: { perImage: 1, share: '5%' }, waves: ['50%', '50%'], maxUnavailable: 2, stallTimeout: '2m' },
  limits: { stepNodes: 100, activitiesPerSecond: 1000, nodeOperationTimeout: '1m', nodeOfflineAfter: '1m' },
};

export interface Answer {
  readonly status: number;
  // What a route answers with is what the tests look at.
  readonly body: Readonly<Record<string, never>> & { readonly error?: { code: string; message: string; details: readonly string[] } };
}

function terminal(stderr: PassThrough, typed: string): { readonly stdin: Input; readonly stderr: PassThrough & { readonly isTTY: true } } {
  const stdin = Object.assign(new PassThrough(), { isTTY: true as const });
  stdin.end(typed);
  return { stdin, stderr: Object.assign(stderr, { isTTY: true as const }) };
}

/** Tests ask as fast as they can; those about limits have their own. */
export const UNLIMITED = { requestsPerMinute: 1_000_000, strangersPerMinute: 1_000_000, answerTimeout: 120_000 };

/** The real control API over a real mesh, on a Temporal server of its own: the API's workflow ids are the product's. */
export class ServedMesh {
  readonly token = newToken();

  private constructor(
    readonly mesh: RotatingMesh,
    private readonly server: OwnServer,
    readonly desk: RotationDesk,
    private running: RunningHttp | null = null,
  ) {}

  static async start(request: RotatingMeshRequest = {}): Promise<ServedMesh> {
    const server = await OwnServer.start();
    const mesh = await RotatingMesh.start({
      nodes: simulatedNodes(3),
      ...request,
      policy: { ...PATIENT, ...request.policy },
      temporal: server.temporal,
    });
    const desk = {
      client: server.temporal.client,
      ledger: mesh.ledger,
      around: mesh.around,
      taskQueue: mesh.taskQueue,
      home: mesh.mesh.folders.root,
    };
    const served = new ServedMesh(mesh, server, desk);
    await served.open('127.0.0.1:0');
    return served;
  }

  get url(): string {
    if (this.running === null) throw new Error('the API is closed');
    return this.running.url;
  }

  async open(address: string, options: Partial<ApiOptions> = {}, tls?: ServedIdentity): Promise<void> {
    this.running = await listen(createApi({ desk: this.desk, token: this.token, limits: UNLIMITED, ...options }), address, tls);
  }

  async close(): Promise<void> {
    await this.running?.stop();
    this.running = null;
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(new URL(path, this.url), {
      ...init,
      headers: { authorization: `Bearer ${this.token}`, ...(init.headers as Record<string, string> | undefined) },
    });
  }

  async get(path: string): Promise<Answer> {
    const response = await this.fetch(path);
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  }

  async post(path: string, body: unknown): Promise<Answer> {
    const response = await this.fetch(path, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  }

  /** The command line, in this process, against this API. */
  async reseal(
    argv: readonly string[],
    more: {
      readonly cwd?: string;
      readonly env?: NodeJS.ProcessEnv;
      readonly now?: () => number;
      /** What somebody at a terminal types; missing: there is no terminal. */
      readonly typed?: string;
    } = {},
  ): Promise<{ readonly exit: number; readonly stdout: string; readonly stderr: string }> {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const text = { stdout: '', stderr: '' };
    stdout.on('data', (chunk) => (text.stdout += String(chunk)));
    stderr.on('data', (chunk) => (text.stderr += String(chunk)));
    const env = { PATH: process.env['PATH'], RESEAL_URL: this.url, RESEAL_TOKEN: this.token, ...more.env };
    const surroundings = { stdout, stderr, env, cwd: more.cwd ?? this.mesh.folder, now: more.now ?? Date.now };
    const exit = await run(argv, more.typed === undefined ? surroundings : { ...surroundings, ...terminal(stderr, more.typed) });
    return { exit, ...text };
  }

  async rotation(id: string): Promise<RotationView['rotation']> {
    return ((await (await this.fetch(`/v1/rotations/${id}`)).json()) as RotationView).rotation;
  }

  untilRotation(id: string, fits: (rotation: RotationView['rotation']) => boolean, what: string): Promise<RotationView['rotation']> {
    let last: RotationView['rotation'] | null = null;
    return until(
      async () => {
        last = await this.rotation(id);
        return fits(last) ? last : null;
      },
      { what, timeout: 60_000 },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; it is ${last?.phase ?? 'unknown'}: ${last?.reasons.join('; ') ?? ''}`);
    });
  }

  /** The workflow id of the schedule's newest scan. */
  untilScan(): Promise<string> {
    return until(
      async () => {
        const { recent } = (await (await this.fetch('/v1/schedule')).json()) as { recent: readonly { workflowId: string }[] };
        return recent[0]?.workflowId;
      },
      { what: 'a scan' },
    );
  }

  /** The record from `after` on, as server-sent events, to the end of the stream. */
  async listenTo(id: string, after: number): Promise<{ readonly status: number; readonly events: readonly EventView[] }> {
    const response = await this.fetch(`/v1/rotations/${id}/events`, { headers: { 'last-event-id': String(after) } });
    const text = await response.text();
    const events = [...text.matchAll(/^data: ?(.+)$/gm)].map(([, data = '']) => JSON.parse(data) as EventView);
    return { status: response.status, events };
  }

  async stop(): Promise<void> {
    await this.close();
    await this.mesh.stop();
    await this.server.stop();
  }
}
