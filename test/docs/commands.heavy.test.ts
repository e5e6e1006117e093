import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../src/configuration/load.js';
import { AppsSchema } from '../../src/manifest/assemble.js';
import { parse, stringify } from 'yaml';
import { runProcess } from '../../src/temporal/run-process.js';
import { built, RESEAL, ROOT } from '../cli/processes.js';
import { until } from '../setup/until.js';
import { DocumentedMesh } from './documented-mesh.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

/** Commands of the documents that are run elsewhere, each with where and why. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'npm ci && npm start': '.ci/run installs; test/cli/demo.test.ts runs the demo',
  'npm ci && npm test': '.ci/run: it is what runs this test',
  'npm start -- --fail canary': 'test/cli/demo-endings.heavy.test.ts',
  'npm start -- --example dedicated-signer': 'test/cli/demo-examples.test.ts',
  'npx reseal demo --example dedicated-signer': 'test/cli/demo-examples.test.ts',
  'npm start -- --real': 'test/cli/demo-endings.heavy.test.ts; needs fixtures from beside the repository',
  'npm start -- --fresh': 'test/cli/demo.test.ts starts every demo on a fresh home',
  'npx reseal init --profiles profiles --project Courier.xcodeproj': 'makes a configuration where this test has one: test/cli/init.test.ts',
  'npx reseal init --profiles profiles --project Courier.xcodeproj --store s3://acme-signing/stores/main --store-region eu-central-1':
    'needs a bucket of its own: test/cli/bucket-store.test.ts, with the endpoint of a server on this machine',
  'npx reseal manifest freeze profiles --project Courier.xcodeproj --export-options ExportOptions.plist --line ios-main --first --as rita --ticket CHG-1':
    'needs a project, and the line has its head by then: test/cli/freeze-project.test.ts',
  'npx reseal up': 'runs for as long as this test does: DocumentedMesh',
  'npx reseal server': 'needs a Temporal server and a database of its own: test/cli/apart.heavy.test.ts',
  'npx reseal worker': 'as `server`',
  'npx reseal rotation start --adopt ios-main-7 --as rita --ticket INC-4':
    'needs a rotation that was terminated: test/api/adoption.test.ts',
  'npx reseal rotation answer ios-main-7 --question stalled retry --as ada --ticket CHG-7':
    'needs nodes in trouble: test/e2e/rolling-failure.test.ts; here its refusal is seen',
  'npx reseal rotation retry ios-main-7 --node ams-build-1 --as ada --ticket CHG-7': 'as `answer`',
  'npx reseal rotation exclude ios-main-7 --node ams-build-1 --reason "its disk is in repair" --as ada --ticket CHG-7':
    'needs nodes in trouble: test/api/signed-exclusions.test.ts',
  'npx reseal rotation answer ios-main-7 --question node-offline exclude --as grace --ticket CHG-7': 'as `exclude`',
  'npx reseal rotation rehearse --report rehearsal.md': 'two whole rotations: test/cli/rehearse.heavy.test.ts',
  'npx reseal codec-server': 'runs until it is ended: test/cli/codec-server.test.ts',
  'npx reseal codec-key activate k20261127-3f9a2c --file keys/control.json':
    'the id is of the moment: test/cli/codec-key.test.ts, and in the middle of a rotation test/e2e/encrypted.test.ts',
  'npx reseal codec-key retire k20260102-90b1c4 --file keys/control.json': 'as `codec-key activate`',
  'npx reseal rotation close ios-main-7 --as partial --by ada --ticket INC-3': 'needs an escalated rotation: test/e2e',
};

/** Programs that a documented command may begin with. */
const PROGRAMS = ['npx reseal', 'cp', 'git'];

interface Block {
  readonly language: string;
  readonly lines: readonly string[];
}

function blocksOf(text: string): readonly Block[] {
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = '', body = '']) => ({
    language,
    lines: body
      .replace(/\\\n\s*/g, ' ')
      .trimEnd()
      .split('\n'),
  }));
}

const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');

const commandsOf = (name: string): readonly string[] =>
  blocksOf(read(name))
    .filter((block) => block.language === 'sh')
    .flatMap((block) => block.lines)
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));

/** Example ids stand for the rotations of the moment: the first one named is the first one run. */
class Ids {
  private readonly known = new Map<string, string>();

  async in(command: string, mesh: DocumentedMesh): Promise<string> {
    const examples = command.match(/\bios-main-\d+\b/g) ?? [];
    for (const example of examples) {
      if (this.known.has(example)) continue;
      const taken = [...this.known.values()];
      const fresh = await until(
        async () => {
          const newest = await mesh.newest();
          return newest !== null && !taken.includes(newest) ? newest : null;
        },
        { what: `a rotation for ${example} in "${command}"` },
      );
      this.known.set(example, fresh);
    }
    return command.replace(/\bios-main-\d+\b/g, (example) => this.known.get(example) ?? example);
  }
}

function describeDocument(name: string, state: 'in-force' | 'no-head', before: (mesh: DocumentedMesh) => Promise<void>): void {
  describe(`the commands of ${name}, in their order (P1, P5)`, () => {
    let mesh: DocumentedMesh;
    const ids = new Ids();
    beforeAll(async () => {
      await built();
      mesh = await DocumentedMesh.start(state);
      await before(mesh);
    }, 300_000);
    afterAll(() => mesh.stop(), 60_000);

    for (const command of commandsOf(name)) {
      const where = ELSEWHERE[command];
      if (where !== undefined) continue;
      it(
        command,
        async () => {
          expect(
            PROGRAMS.some((program) => command.startsWith(`${program} `)),
            `no program that documents may use: ${command}`,
          ).toBe(true);
          const said = await ids.in(command, mesh);
          const [, verb, id] = /^npx reseal rotation (approve|reject|withdraw|pause|resume|rollback) (\S+)/.exec(said) ?? [];
          if (verb !== undefined && id !== undefined) await mesh.untilLegal(id, verb);
          const script = said.replace(/\bnpx reseal\b/g, `"${process.execPath}" "${RESEAL}"`);
          const ran = await runProcess('/bin/sh', ['-c', `cd "${mesh.folder}" && ${script}`], { timeout: 120_000, env: mesh.env });
          expect(ran.code, `${ran.stdout}${ran.stderr}`).toBe(0);
        },
        240_000,
      );
    }
  });
}

describeDocument('README.md', 'in-force', async (mesh) => {
  // What `npm start` has done by the time a person opens the second terminal.
  expect((await mesh.reseal('schedule', 'ensure', '--as', 'rita', '--ticket', 'CHG-1')).exit).toBe(0);
  expect((await mesh.reseal('schedule', 'trigger', '--as', 'rita', '--ticket', 'CHG-1')).exit).toBe(0);
  await mesh.untilLegal('ios-main-1', 'approve');
});

describeDocument('docs/operating.md', 'no-head', (mesh) => {
  // What a release job has when it comes to sign.
  const build = join(mesh.folder, 'build');
  mkdirSync(join(build, 'Courier.xcarchive'), { recursive: true });
  writeFileSync(join(build, 'Courier.xcarchive', 'Info.plist'), '<plist/>');
  copyFileSync(join(mesh.folder, 'nodes/ams-sign-1/usr/local/var/reseal/mount/ios-main/profiles.json'), join(build, 'profiles.json'));
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(build, 'ci-key')]);
  const topology = join(mesh.folder, 'reseal', 'topology.yaml');
  const declared = parse(readFileSync(topology, 'utf8')) as { pipelines: { keys?: string[] }[] };
  for (const pipeline of declared.pipelines) pipeline.keys = [readFileSync(join(build, 'ci-key.pub'), 'utf8').trim()];
  writeFileSync(topology, stringify(declared));
  writeFileSync(join(mesh.folder, 'sign.sh'), '#!/bin/sh\necho signed >build/Courier.ipa\n', { mode: 0o755 });
  return Promise.resolve();
});

describeDocument('docs/runbook.md', 'no-head', () => Promise.resolve());

describe('the READMEs of the examples', () => {
  // Those demos are whole rotations: test/cli/demo-examples.test.ts and demo-examples.heavy.test.ts run them.
  it.each(readdirSync(join(ROOT, 'examples/topologies')))('%s: names its demo, which a test runs', (name) => {
    expect(commandsOf(join('examples/topologies', name, 'README.md'))).toEqual([`npx reseal demo --example ${name}`]);
    const [fast, heavy] = ['demo-examples.test.ts', 'demo-examples.heavy.test.ts'].map((file) => read(join('test/cli', file)));
    expect(`${fast ?? ''}${heavy ?? ''}`).toContain(`demo.run('${name}')`);
  });
});

describe('the documents', () => {
  const documents = [
    'README.md',
    'docs/operating.md',
    'docs/approvals.md',
    'docs/emergency.md',
    'docs/exports.md',
    'docs/architecture.md',
    'docs/decisions.md',
    'docs/agents.md',
    'docs/ssh.md',
    'docs/sidecar.md',
    'docs/triage.md',
    'docs/sources.md',
    'docs/runbook.md',
    'docs/security.md',
  ];

  it('name no command that the list of exceptions knows and no document shows', () => {
    const shown = documents.flatMap(commandsOf);
    expect(Object.keys(ELSEWHERE).filter((command) => !shown.includes(command))).toEqual([]);
  });

  it.each(documents)('%s links to what is there', (name) => {
    const text = read(name);
    const headings = (markdown: string): string[] =>
      [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
        title
          .toLowerCase()
          .replace(/[^\p{L}\p{N} -]/gu, '')
          .replace(/ /g, '-'),
      );
    const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) => {
      if (/^https?:/.test(target)) return [];
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? join(ROOT, name) : join(ROOT, dirname(name), path);
      if (!existsSync(file)) return [target];
      return anchor === undefined || headings(readFileSync(file, 'utf8')).includes(anchor) ? [] : [target];
    });
    expect(broken).toEqual([]);
  });

  it.each(documents)('%s names source files that are there', (name) => {
    const named = [...read(name).matchAll(/`((?:src|workflows|activities|scripts|test|docs)\/[\w./-]+\.\w+)`/g)].map(
      ([, path = '']) => path,
    );
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('docs/operating.md shows a configuration that holds, and an apps.yaml that does', () => {
    const folder = temporaryFolder('reseal-docs-config');
    try {
      mkdirSync(join(folder, 'reseal'));
      const yaml = blocksOf(read('docs/operating.md')).filter((block) => block.language === 'yaml');
      for (const block of yaml) {
        const [, file] = /^# (reseal\/\w+\.yaml)/.exec(block.lines[0] ?? '') ?? [];
        if (file !== undefined) writeFileSync(join(folder, file), block.lines.join('\n'));
        else expect(AppsSchema.safeParse(parse(block.lines.join('\n'))).success).toBe(true);
      }
      expect(loadConfiguration(join(folder, 'reseal')).topology.nodes).toHaveLength(1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
