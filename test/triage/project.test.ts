import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { writeProject, type WrittenTarget } from '../xcode-project/project.js';
import { HOST, HOST_NEW, SHARE, SHARE_NEW, SHARE_OLD, TEAM, TriageWorld } from './world.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

let world: TriageWorld;
let folder = '';
beforeAll(async () => {
  world = await TriageWorld.make();
  world.writeManifest();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
afterAll(() => world.dispose());

/** Courier with its extension Share, each with settings of its own beside its bundle id. */
function project(host: WrittenTarget['settings'], share: WrittenTarget['settings'], configurations = ['Release']): string {
  const targets: readonly WrittenTarget[] = [
    { name: 'Courier', type: 'application', carries: ['Share'], settings: { PRODUCT_BUNDLE_IDENTIFIER: HOST, ...host } },
    { name: 'Share', type: 'app-extension', settings: { PRODUCT_BUNDLE_IDENTIFIER: SHARE, ...share } },
  ];
  folder = writeProject({ configurations, targets }, temporaryFolder('reseal-xcode'));
  return folder;
}
const MANUAL = { CODE_SIGN_STYLE: 'Manual' };
const named = (uuid: string) => ({ ...MANUAL, PROVISIONING_PROFILE_SPECIFIER: uuid });

describe('the settings of an Xcode project (S10, S14)', () => {
  it('host updated, extension on the old UUID: the extension is found, by target, file and line', async () => {
    const path = project(named(HOST_NEW), named(SHARE_OLD));
    const view = await world.view('--project', path, '--manifest', './profiles.json');
    expect(view.verdict).toBe('fail');
    const findings = view.stages.flatMap((stage) => stage.findings).filter(({ verdict }) => verdict !== 'ok');
    expect(findings).toEqual([
      {
        stage: 'settings',
        check: 'other-profile',
        subject: 'Share (Release)',
        verdict: 'fail',
        evidence: expect.stringMatching(
          new RegExp(
            `^the project names profile ${SHARE_OLD} \\(Courier\\.xcodeproj/project\\.pbxproj:\\d+\\), the manifest ${SHARE_NEW} `,
          ),
        ) as string,
        remedy: 'Take the profile out of the project: the settings that reseal renders name the one in force',
        violates: ['S3', 'R2'],
      },
    ]);
  });

  it.each([
    ['automatic signing', { CODE_SIGN_STYLE: 'Automatic' }, { CODE_SIGN_STYLE: 'Automatic' }, ['fail automatic-style Courier (Release)', 'fail automatic-style Share (Release)']], // prettier-ignore
    ['automatic signing beside a profile', MANUAL, { CODE_SIGN_STYLE: 'Automatic', PROVISIONING_PROFILE_SPECIFIER: SHARE_NEW }, ['fail automatic-with-profile Share (Release)', 'fail mixed-style Share (Release)']], // prettier-ignore
    ['a profile by name', MANUAL, named('Courier Share'), ['fail specifier-by-name Share (Release)']],
    ['another team', MANUAL, { ...MANUAL, DEVELOPMENT_TEAM: 'ZZZZZZZZZZ' }, ['fail other-team Share (Release)']],
    ['a bundle id of nobody', MANUAL, { ...MANUAL, PRODUCT_BUNDLE_IDENTIFIER: 'com.acme.courier.watch' }, ['warn not-in-manifest Share (Release)']], // prettier-ignore
    ['nothing that is wrong', { ...MANUAL, DEVELOPMENT_TEAM: TEAM }, named(SHARE_NEW), []],
  ])('%s', async (_, host, share, expected) => {
    expect(await world.found('--project', project(host, share), '--manifest', './profiles.json')).toEqual(expected);
  });

  it('exit 0 where nothing is wrong; each target is named with what it says', async () => {
    const path = project(MANUAL, named(SHARE_NEW));
    expect((await world.triage(['--project', path])).exit).toBe(0);
    const settings = (await world.view('--project', path)).stages.find(({ stage }) => stage === 'settings');
    expect(settings?.findings.map(({ subject, evidence }) => `${subject}: ${evidence}`)).toEqual([
      `Courier (Release): ${HOST}, style Manual, names no profile: what the build is given counts`,
      `Share (Release): ${SHARE}, style Manual, names profile ${SHARE_NEW}`,
    ]);
  });

  it('the configuration is Release, the one that the build asks for, or those that are named', async () => {
    const path = project(MANUAL, MANUAL, ['Release', 'Nightly']);
    const subjects = async (...words: readonly string[]): Promise<readonly string[]> => {
      const view = await world.view('--project', path, ...words);
      return view.stages.flatMap(({ findings }) => findings.flatMap(({ check, subject }) => (check === 'target' ? [subject] : [])));
    };
    expect(await subjects()).toEqual(['Courier (Release)', 'Share (Release)']);
    expect(await subjects('--build-args', 'archive -configuration Nightly')).toEqual(['Courier (Nightly)', 'Share (Nightly)']);
    expect(await subjects('--configuration', 'Nightly', '--configuration', 'Release')).toHaveLength(4);
  });

  it.each([
    ['a folder without a project', [], 2],
    ['a configuration that it does not have', ['--configuration', 'Beta'], 2],
  ])('%s is refused', async (what, words, exit) => {
    const path = what === 'a folder without a project' ? resolve('test/setup') : project(MANUAL, MANUAL);
    expect((await world.triage(['--project', path, ...words])).exit).toBe(exit);
  });

  it('a configuration without a project is refused', async () => {
    expect((await world.triage(['--configuration', 'Release', '--build-args', 'CODE_SIGN_STYLE=Manual'])).exit).toBe(2);
  });
});
