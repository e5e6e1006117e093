import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shellWords } from '../../src/domain/triage/words.js';
import { findRcodesign } from '../../src/mac/rcodesign.js';
import { built, ROOT } from '../cli/processes.js';
import { HOST, HOST_NEW, SHARE_NEW, TriageWorld } from '../triage/world.js';
import { writeProject } from '../xcode-project/project.js';
import { DocumentedMesh } from './documented-mesh.js';

const guide = readFileSync(join(ROOT, 'docs/triage.md'), 'utf8');
const commands = [...guide.matchAll(/^npx reseal triage (.*)$/gm)].map(([, line = '']) => line);
const asksNodes = (command: string): boolean => command.includes('--node');

describe.skipIf(findRcodesign() === null)('the commands of docs/triage.md, on an app as it should be', () => {
  let world: TriageWorld;
  beforeAll(async () => {
    world = await TriageWorld.make();
    const ipa = await world.ipa(world.app());
    for (const folder of ['build/export', 'fastlane', '.github/workflows']) mkdirSync(world.at(folder), { recursive: true });
    for (const place of ['build/Courier.ipa', 'build/export/Courier.ipa']) cpSync(ipa, world.at(place));
    cpSync(world.at(world.writeManifest()), world.at('build/profiles.json'));
    writeFileSync(world.at('build/reseal.xcconfig'), `RESEAL_PROFILE_Courier = ${HOST_NEW}\nRESEAL_PROFILE_Share = ${SHARE_NEW}\n`);
    writeFileSync(world.at('build/xcodebuild.log'), 'Command line invocation:\n    /usr/bin/xcodebuild archive -scheme Courier\n\n');
    const settings = { CODE_SIGN_STYLE: 'Manual', PRODUCT_BUNDLE_IDENTIFIER: HOST };
    writeProject({ targets: [{ name: 'Courier', type: 'application', settings }] }, world.folder);
    writeFileSync(world.at('fastlane/Fastfile'), 'match(type: "appstore", readonly: true)\n');
    writeFileSync(world.at('.github/workflows/release.yml'), 'run: xcodebuild archive CODE_SIGN_STYLE=Manual\n');
  });
  afterAll(() => world.dispose());

  it.each(commands.filter((command) => !asksNodes(command)))('reseal triage %s', async (command) => {
    const { exit, out, err } = await world.triage(shellWords(command));
    expect(err).toBe('');
    // Tests run below /tmp, where an export directory is warned of.
    if (command.startsWith('--export')) expect(out).toContain('it lies in /tmp, which cleaners may empty');
    else expect(out).toContain('Nothing wrong was found.');
    expect(exit).toBe(command.startsWith('--export') ? 1 : 0);
  });
});

describe('two nodes of a mesh, through the control API', () => {
  let mesh: DocumentedMesh;
  beforeAll(async () => {
    await built();
    mesh = await DocumentedMesh.start('in-force');
  }, 300_000);
  afterAll(() => mesh.stop(), 60_000);

  it.each(commands.filter(asksNodes))(
    'reseal triage %s',
    async (command) => {
      const alike = await mesh.reseal('triage', ...shellWords(command));
      expect([alike.exit, alike.stderr]).toEqual([0, '']);
      expect(alike.stdout).toContain('ams-sign-1 and iad-sign-1 differ in nothing that builds depend on');
      const pointer = join(mesh.folder, 'nodes/ams-sign-1/usr/local/var/reseal/mount/ios-main/profiles.json');
      writeFileSync(pointer, readFileSync(pointer, 'utf8').replace('ios-main', 'ios-mein'));
      const unlike = await mesh.reseal('triage', ...shellWords(command));
      expect(unlike.exit).toBe(1);
      expect(unlike.stdout).toMatch(
        /FAIL {2}ams-sign-1 {2}active manifest on ios-main: [0-9a-f]{12} on ams-sign-1, [0-9a-f]{12} on iad-sign-1/,
      );
    },
    120_000,
  );
});
