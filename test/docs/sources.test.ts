import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { DeveloperAccount } from '../../src/simulator/app-store-connect/account.js';
import { startAppStoreConnect, type AppStoreConnectStandIn } from '../../src/simulator/app-store-connect/server.js';
import { createMesh, type SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { ROOT } from '../cli/processes.js';
import { reseal } from '../cli/terminal.js';
import { PASSPHRASE, TestMatchRepository } from '../profile-source/match-repository.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

const guide = readFileSync(join(ROOT, 'docs/sources.md'), 'utf8');
const blocks = (language: string): readonly string[] =>
  [...guide.matchAll(new RegExp('^```' + language + '\\n([\\s\\S]*?)^```$', 'gm'))].map(([, body = '']) => body);
const commands = blocks('sh').flatMap((block) => block.trim().split('\n'));

interface Sources {
  readonly sources?: Readonly<Record<string, Record<string, unknown>>>;
  readonly lines?: { readonly 'ios-main': { readonly sources: readonly string[] } };
}

let folder: string;
let mesh: SimulatedMesh;
let match: TestMatchRepository;
let apple: AppStoreConnectStandIn;

/** What the guide declares, at the stand-ins of this machine: addresses and the key alone differ. */
beforeAll(async () => {
  folder = temporaryFolder('reseal-docs-sources');
  mesh = await createMesh({ folder: join(folder, 'mesh'), nodes: simulatedNodes(2) });
  match = new TestMatchRepository();
  apple = await startAppStoreConnect(new DeveloperAccount(mesh.apple, mesh.certificate.team, Date.now));
  const key = await apple.issueKey('ADMIN');
  const shown = blocks('yaml').map((block) => parse(block) as Sources);
  const sources = Object.assign({}, ...shown.map((one) => one.sources ?? {})) as Record<string, Record<string, unknown>>;
  const { keyId, issuerId } = key;
  Object.assign(sources['match'] ?? {}, { url: match.bare });
  Object.assign(sources['apple'] ?? {}, { url: apple.url, keyId, issuerId });
  writeFileSync(join(mesh.folders.config, 'AuthKey_2X9R4HXF34.p8'), key.pem, { mode: 0o600 });
  edit('reseal.yaml', (document) => ({ ...document, sources }));
  const line = shown.find((one) => one.lines !== undefined)?.lines?.['ios-main'];
  edit('topology.yaml', (document) => {
    const lines = document['lines'] as Record<string, object>;
    return { ...document, lines: { 'ios-main': { ...lines['ios-main'], ...line } } };
  });
});
afterAll(async () => {
  await apple.stop();
  match.dispose();
  rmSync(folder, { recursive: true, force: true });
});

function edit(name: string, change: (document: Record<string, unknown>) => object): void {
  const path = join(mesh.folders.config, name);
  writeFileSync(path, stringify(change(parse(readFileSync(path, 'utf8')) as Record<string, unknown>)));
}

describe('docs/sources.md (S16, P1)', () => {
  it.each(commands)('%s', async (command) => {
    const words = command.split(' ');
    expect(words.slice(0, 2)).toEqual(['npx', 'reseal']);
    const ran = await reseal(['--config', mesh.folders.config, '--home', join(folder, 'home'), ...words.slice(2)], {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], MATCH_PASSWORD: PASSPHRASE },
    });
    expect([ran.exit, ran.stderr], ran.stdout).toEqual([0, '']);
    if (command.endsWith('doctor')) expect(ran.stdout.match(/^source \w+ +ok/gm)).toHaveLength(2);
  });

  it('links to what is there, and names files that are', () => {
    const links = [...guide.matchAll(/\]\(([^)#\s]+)/g)].map(([, target = '']) => join(ROOT, 'docs', target));
    const files = [...guide.matchAll(/`((?:src|test|docs)\/[\w./-]+\.\w+)`/g)].map(([, path = '']) => join(ROOT, path));
    expect([...links, ...files].filter((path) => !existsSync(path))).toEqual([]);
    expect(links.length).toBeGreaterThan(0);
    expect(dirname(links[0] ?? '')).toBe(join(ROOT, 'docs'));
  });
});
