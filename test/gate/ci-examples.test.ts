import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { simulatedMac, type Mac } from '../simulator/mac/support.js';
import { until } from '../setup/until.js';
import { CI_JOBS, type CiJob } from './ci-examples.js';
import { GATE, GatedNode, REGION } from './gated-node.js';

let mac: Mac;
let node: GatedNode;
/** The digest that CI has of `reseal node expected`. */
let signing: string;

beforeAll(async () => {
  mac = await simulatedMac();
  const old = await mac.issue();
  mac.importReady(old);
  node = await GatedNode.settled(mac, old, await mac.issue());
  signing = (await node.inspect()).identities?.sorted ?? '';
});
afterAll(() => mac.dispose());

const repository = (...names: string[]): string => join(node.workspace, ...names);
const built = (): string => repository('built');

/** The repository of the app: the gate, the manifest that it goes by, and a build that notes which pins there are while it runs. */
function checkOut(archive = 'exit 0'): void {
  rmSync(node.workspace, { recursive: true, force: true });
  for (const folder of ['scripts', 'fastlane']) mkdirSync(repository(folder), { recursive: true });
  copyFileSync(GATE, repository('scripts/assert-signing-context.mjs'));
  copyFileSync(node.pointer, repository('profiles.json'));
  const script = `#!/bin/sh\ncat "$RESEAL_STATE"/pins/[0-9a-f]*.json > "$BUILT"\n${archive}\n`;
  writeFileSync(repository('scripts/archive.sh'), script, { mode: 0o755 });
}
beforeEach(() => {
  node.reset();
  checkOut();
});

interface Run {
  /** Of the steps that ran, in their order. */
  readonly ends: readonly (number | string | null)[];
  readonly output: string;
}

/** As the CI does it: a step of a job that has failed is left out, unless it runs always. `cancel`: the running step is terminated, as by people. */
async function runJob(job: CiJob, env: NodeJS.ProcessEnv = {}, cancel?: () => Promise<unknown>): Promise<Run> {
  const ends: (number | string | null)[] = [];
  let output = '';
  for (const { script, when } of job.steps) {
    if (when === 'so-far-good' && ends.some((end) => end !== 0)) continue;
    const [program, ...args] = job.shell;
    const child = spawn(program, [...args, script], {
      cwd: repository(job.folder),
      env: node.env({ RESEAL_EXPECT_SIGNING: signing, RUNNER_REGION: REGION, BUILT: built(), ...job.env, ...env }),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes.toString('utf8')));
    const ended = new Promise<number | string | null>((done, failed) => {
      child.on('error', failed);
      child.on('close', (code, signal) => done(code ?? signal));
    });
    if (when === 'so-far-good')
      void cancel?.().then(
        () => child.pid !== undefined && child.exitCode === null && child.signalCode === null && process.kill(-child.pid, 'SIGTERM'),
      );
    ends.push(await ended);
  }
  return { ends, output };
}

const pins = (): readonly string[] =>
  existsSync(join(node.state, 'pins')) ? readdirSync(join(node.state, 'pins')).filter((name) => !name.startsWith('seen.')) : [];
const during = (): object => JSON.parse(readFileSync(built(), 'utf8')) as object;

describe.each(Object.entries(CI_JOBS))('the steps for %s', (_, read) => {
  const job = read();

  it('let a job build on a node that has what is expected, pin its manifest while it builds, and give it back', async () => {
    const { ends, output } = await runJob(job);
    expect(ends, output).toEqual(job.steps.map(() => 0));
    expect(output).toContain('signing gate: pass');
    expect(during()).toMatchObject({ ...job.pin, manifest: node.mesh.from });
    expect(pins()).toEqual([]);
  });

  it('give it back where the build fails', async () => {
    checkOut('exit 65');
    const { ends, output } = await runJob(job);
    expect(ends.slice(-2), output).toEqual([65, 0]);
    expect(during()).toMatchObject(job.pin);
    expect(pins()).toEqual([]);
  });

  it('give it back where the job is cancelled while it builds', async () => {
    checkOut('exec sleep 600');
    const { ends, output } = await runJob(job, {}, () => until(during, { what: 'the build' }));
    expect(ends.at(-2), output).not.toBe(0);
    expect(ends.at(-1)).toBe(0);
    expect(during()).toMatchObject(job.pin);
    expect(pins()).toEqual([]);
  });

  it.each<readonly [string, () => void, NodeJS.ProcessEnv, number]>([
    ['another manifest is expected', () => writeFileSync(repository('profiles.json'), '{}'), {}, 1],
    ['the manifest is not checked in', () => rmSync(repository('profiles.json')), {}, 2],
    ['other identities are expected', () => undefined, { RESEAL_EXPECT_SIGNING: 'a'.repeat(64) }, 1],
    ['nobody has said which identities', () => undefined, { RESEAL_EXPECT_SIGNING: '' }, 2],
    ['the runner is in another region', () => undefined, { RUNNER_REGION: 'us-east' }, 1],
  ])('let nothing be built where %s, and end without a pin', async (_case, change, env, exit) => {
    change();
    const { ends, output } = await runJob(job, env);
    expect(ends, output).toEqual([exit, 0]);
    expect(existsSync(built())).toBe(false);
    expect(pins()).toEqual([]);
  });
});

it('a step of Buildkite that names no pipeline of reseal passes the hooks without a gate', async () => {
  const { ends, output } = await runJob(CI_JOBS.Buildkite(), { RESEAL_PIPELINE: '' });
  expect(ends.at(-1), output).toBe(0);
  expect(output).not.toContain('signing gate');
});
