import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/main.js';
import { ServedMesh } from '../api/served-mesh.js';
import { until } from '../setup/until.js';
import { reseal, type Ran } from './terminal.js';

let served: ServedMesh;
beforeAll(async () => {
  served = await ServedMesh.start();
}, 240_000);
afterAll(() => served.stop(), 120_000);

const env = (): NodeJS.ProcessEnv => ({ RESEAL_URL: served.url, RESEAL_TOKEN: served.token, TZ: 'UTC' });
const command = (...argv: readonly string[]): Promise<Ran> => reseal(argv, { env: env(), now: Date.now() });

class Heard extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

describe('following a rotation from the command line (P1)', () => {
  let id = '';
  it('begins with a start that says how to follow it', async () => {
    const ran = await command('rotation', 'start', '--line', 'ios-main', '--as', 'rita', '--ticket', 'CHG-7');
    expect(ran.exit, ran.stderr).toBe(0);
    id = /^(ios-main-\d+) /.exec(ran.stdout)?.[1] ?? '';
    expect(ran.stdout).toContain(`Follow it: reseal rotation watch ${id}`);
    const again = await command('rotation', 'start', '--line', 'ios-main', '--as', 'rita', '--ticket', 'CHG-7');
    expect([again.exit, again.stderr]).toEqual([4, expect.stringContaining('in flight')]);
  });

  it('survives an API that goes away and comes back at the same address, and misses nothing', async () => {
    await served.untilRotation(id, (one) => one.commands.includes('approve'), 'an open gate');
    const address = new URL(served.url).host;
    const [stdout, stderr] = [new Heard(), new Heard()];
    const watching = run(['rotation', 'watch', id], { stdout, stderr, env: env(), cwd: '/', now: Date.now });
    await until(() => stdout.text.includes('awaiting-signoff'), { what: 'the record so far' });

    await served.close();
    await until(() => stderr.text.includes('the connection is lost'), { what: 'the loss to be told' });
    await served.open(address);
    for (const person of ['ada', 'grace']) {
      const ran = await command('rotation', 'approve', id, '--as', person, '--ticket', 'CHG-7');
      expect(ran.exit, ran.stderr).toBe(0);
      // What is approved is shown before it is said.
      expect(ran.stderr).toContain('com.acme.courier');
    }
    expect(await watching).toBe(0);
    expect(stderr.text.match(/the connection is lost/g)).toHaveLength(1);
    expect(stderr.text).toContain('connected again');
    const lines = stdout.text.trimEnd().split('\n');
    expect(lines.at(-1)).toMatch(/outcome +completed$/);
    const { events } = await served.listenTo(id, 0);
    expect(lines).toHaveLength(events.length);
  }, 120_000);

  it('watching what has ended tells the whole record and its verdict', async () => {
    const ran = await command('rotation', 'watch', id, '--json');
    expect(ran.exit).toBe(0);
    const events = ran.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { schemaVersion: number; seq: number });
    expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1));
  });

  it('says in one document how it stands', async () => {
    const ran = await command('rotation', 'status', id, '--json');
    expect(JSON.parse(ran.stdout)).toMatchObject({
      schemaVersion: 1,
      rotation: { id, phase: 'completed', outcome: 'completed', commands: [] },
    });
    const text = (await command('rotation', 'status', id)).stdout;
    expect(text).toMatch(new RegExp(`^${id} {2}completed {2}ended .*, took `));
  });

  it('takes no digest that could be none, before anything is asked', async () => {
    const ran = await command('rotation', 'approve', id, '--as', 'ada', '--ticket', 'CHG-7', '--digest', 'abc');
    expect([ran.exit, ran.stdout]).toEqual([2, '']);
    expect(ran.stderr).toMatch(/^--digest takes the whole SHA-256 of the manifest, 64 lower-case hexadecimal digits, not "abc"\./);
  });

  it('approves nothing that has ended, and shows no table for it', async () => {
    const ran = await command('rotation', 'approve', id, '--as', 'ada', '--ticket', 'CHG-7');
    expect([ran.exit, ran.stdout, ran.stderr]).toEqual([4, '', `${id} ended as completed: approve has no meaning any more.\n`]);
  });

  it('after an incident rollback says rolled-back in its document, and plans the same successors only after it, knowingly', async () => {
    const rolledBack = await command('rotation', 'rollback', id, '--as', 'ada', '--ticket', 'INC-1', '--json');
    expect(rolledBack.exit, rolledBack.stderr).toBe(0);
    const incident = (JSON.parse(rolledBack.stdout) as { rotation: { id: string } }).rotation.id;
    expect((await command('rotation', 'watch', incident)).exit).toBe(0);
    const status = await command('rotation', 'status', incident, '--json');
    expect(JSON.parse(status.stdout)).toMatchObject({ rotation: { id: incident, phase: 'rolled-back', outcome: 'rolled-back' } });
    const plan = await command('rotation', 'plan', '--line', 'ios-main', '--as', 'rita');
    expect([plan.exit, plan.stdout]).toEqual([1, expect.stringContaining(`reseal rotation start --line ios-main --after ${incident} `)]);
    const knowingly = await command('rotation', 'plan', '--line', 'ios-main', '--as', 'rita', '--after', incident);
    expect([knowingly.exit, knowingly.stdout]).toEqual([0, expect.stringContaining('can be rotated now')]);
  }, 120_000);

  it('asks for the token', async () => {
    const ran = await reseal(['rotation', 'list'], { env: { RESEAL_URL: served.url } });
    expect([ran.exit, ran.stderr]).toEqual([4, expect.stringContaining('token')]);
  });
});
