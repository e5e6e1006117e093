import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { stopRecorded } from '../../src/temporal/embedded-server.js';
import { until } from '../setup/until.js';
import { built, cleanEnv, runReseal, type RanReseal } from './processes.js';
import { noTerminal, processesOf, ResealOnTerminal } from './pseudo-terminal.js';

const missing = await noTerminal();

let home: string;
let demo: ResealOnTerminal | undefined;
beforeAll(built, 240_000);
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'reseal-demo-terminal-'));
});
afterEach(async () => {
  await demo?.hangUp();
  await stopRecorded(home);
  rmSync(home, { recursive: true, force: true });
}, 60_000);

/** A command in a second terminal's shell. */
const reseal = (...args: readonly string[]): Promise<RanReseal> => runReseal(args, { env: cleanEnv(home) });

/** Digests of the manifests that the nodes serve. */
const served = (): readonly string[] => {
  const nodes = readdirSync(join(home, 'nodes'));
  expect(nodes).toHaveLength(12);
  const digests = nodes.map((node) =>
    createHash('sha256')
      .update(readFileSync(join(home, 'nodes', node, 'usr/local/var/reseal/mount/ios-main/profiles.json')))
      .digest('hex'),
  );
  return [...new Set(digests)];
};

it.skipIf(missing !== null)(
  `the demo on a terminal waits for two people, stays up for a rollback, and Ctrl-C ends everything it started with exit 0 (P5, R5, R7)${missing === null ? '' : ` (skipped: ${missing})`}`,
  async () => {
    demo = ResealOnTerminal.start(['demo'], { env: cleanEnv(home) });
    await demo.says('It waits for two people.');
    const commands = ['ada', 'grace'].map((person) => `rotation approve ios-main-1 --as ${person} --ticket DEMO-1`);
    for (const command of commands) await demo.says(`  npx reseal ${command}\n`);
    const [, to = '', from = ''] = /To be approved: manifest ([0-9a-f]{64})\s+in place of ([0-9a-f]{64})/.exec(demo.said) ?? [];

    for (const [index, command] of commands.entries()) {
      expect(demo.said).not.toMatch(/phase +rolling/);
      const approved = await reseal(...command.split(' '));
      expect(approved.exit, approved.stderr).toBe(0);
      expect(approved.stdout).toContain(`${index + 1} of 2 approvals`);
    }
    await demo.says('ios-main-1 completed', 120_000);
    await demo.says('Ctrl-C ends it.');
    expect(demo.said).toMatch(/^builds +\d{3,} in all, .* 0 failed$/m);
    expect(demo.said).toContain('  npx reseal rotation rollback ios-main-1 --as ada --ticket DEMO-2\n');
    expect(served()).toEqual([to]);

    const asked = await reseal('rotation', 'rollback', 'ios-main-1', '--as', 'ada', '--ticket', 'DEMO-2');
    expect([asked.exit, asked.stdout], asked.stderr).toEqual([0, expect.stringContaining('ios-main-2')]);
    const watched = await reseal('rotation', 'watch', 'ios-main-2');
    expect(watched.exit, watched.stdout + watched.stderr).toBe(0);
    expect(served()).toEqual([from]);

    expect(processesOf(home)).not.toEqual([]);
    expect(await demo.stop()).toBe(0);
    expect(existsSync(join(home, 'endpoint.json'))).toBe(false);
    await until(() => processesOf(home).length === 0, { what: 'the last process of the demo to end', timeout: 10_000 }).catch(
      (error: unknown) => {
        throw new Error(`left: ${processesOf(home).join('\n')}`, { cause: error });
      },
    );
  },
  360_000,
);
