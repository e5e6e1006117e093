import { describe, expect, it } from 'vitest';
import type { ProjectSigning } from '../../src/domain/project-signing.js';
import { readXcodeProject } from '../../src/xcode-project/read-project.js';
import { writeProject, type WrittenProject } from './project.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

const app = (settings: Readonly<Record<string, string>>, xcconfig?: string): WrittenProject['targets'][number] => ({
  name: 'Courier App',
  type: 'application',
  settings,
  ...(xcconfig === undefined ? {} : { xcconfig }),
});
const read = (project: WrittenProject): Promise<ProjectSigning> => readXcodeProject(writeProject(project, temporaryFolder('reseal-xcode')));
const bundleIdOf = async (project: WrittenProject): Promise<string | undefined> => (await read(project)).targets[0]?.bundleId?.value;

describe('a build setting comes to what Xcode makes of it', () => {
  it("a target comes before its xcconfig file, that before the project, that before the project's xcconfig file", async () => {
    const files = {
      'project.xcconfig': 'DEVELOPMENT_TEAM = PPPPPPPPPP\nCODE_SIGN_IDENTITY = of the project file\n',
      'target.xcconfig': 'DEVELOPMENT_TEAM = TTTTTTTTTT\nPROVISIONING_PROFILE = of the target file\n',
    };
    const project = {
      settings: { CODE_SIGN_IDENTITY: 'of the project', PROVISIONING_PROFILE: 'of the project' },
      xcconfig: 'project.xcconfig',
      files,
    };
    const [target] = (await read({ ...project, targets: [app({ CODE_SIGN_STYLE: 'Manual' }, 'target.xcconfig')] })).targets;
    expect(target).toMatchObject({
      team: { value: 'TTTTTTTTTT', file: 'target.xcconfig', line: 1 },
      identity: { value: 'of the project', file: 'Courier.xcodeproj/project.pbxproj' },
      profile: { value: 'of the target file', file: 'target.xcconfig', line: 2 },
      style: { value: 'Manual' },
    });
  });

  it.each([
    ['$(BASE).$(TARGET_NAME:rfc1034identifier)', 'com.acme.Courier-App'],
    ['${BASE}.$(TARGET_NAME:identifier:lower)', 'com.acme.courier_app'],
    ['$(BASE).$(NOTHING:default=fallback)', 'com.acme.fallback'],
    ['$(BASE).$(KIND_$(CONFIGURATION))', 'com.acme.stable'],
    ['$(BASE).$(CONFIGURATION:upper)', 'com.acme.RELEASE'],
    ['$(BASE).$(FILE:base)', 'com.acme.courier'],
    ['$(PRODUCT_BUNDLE_IDENTIFIER).more', 'com.acme.below.more'],
    ['$(inherited).more', 'com.acme.below.more'],
    ['com.acme.$$x', 'com.acme.$x'],
  ])('%s is %s', async (value, expected) => {
    const settings = { BASE: 'com.acme', KIND_Release: 'stable', FILE: '/some/courier.plist', PRODUCT_BUNDLE_IDENTIFIER: 'com.acme.below' };
    expect(await bundleIdOf({ settings, targets: [app({ PRODUCT_BUNDLE_IDENTIFIER: value })] })).toBe(expected);
  });

  it('conditions count for devices: those of the simulator, of another architecture and of another configuration do not hold', async () => {
    const [target] = (await read({
      targets: [app({
        'PROVISIONING_PROFILE_SPECIFIER': 'of any',
        'PROVISIONING_PROFILE_SPECIFIER[sdk=iphoneos*]': 'of devices',
        'PROVISIONING_PROFILE_SPECIFIER[sdk=iphonesimulator*]': 'of the simulator',
        'DEVELOPMENT_TEAM[arch=x86_64]': 'XXXXXXXXXX',
        'CODE_SIGN_STYLE[config=Debug]': 'Automatic',
        'CODE_SIGN_STYLE[config=Rel*][sdk=iphone?s*]': 'Manual',
      })],
    })).targets; // prettier-ignore
    expect(target).toMatchObject({ specifier: { value: 'of devices' }, team: null, style: { value: 'Manual' } });
  });

  it('an xcconfig file has comments, continued lines, semicolons, and what it includes in its place; an include that may be missing is no gap', async () => {
    const files = {
      'all.xcconfig':
        'NAME = courier // not courier2\n#include "sub/Team.xcconfig"\n#include? "mine.xcconfig"\nPRODUCT_BUNDLE_IDENTIFIER = com.acme. \\\n  $(NAME);\nCODE_SIGN_STYLE[sdk=iphoneos*] = Manual;',
      'sub/team.xcconfig': '#include "../identity.xcconfig"\nDEVELOPMENT_TEAM = 9QK4T7XW2B\r\nNAME = overridden later? no',
      'identity.xcconfig': 'CODE_SIGN_IDENTITY = Apple Distribution',
    };
    const project = await read({ xcconfig: 'all.xcconfig', files, targets: [app({})] });
    expect(project.gaps).toEqual([]);
    expect(project.targets[0]).toMatchObject({
      bundleId: { value: 'com.acme. overridden later? no', file: 'all.xcconfig', line: 4 },
      team: { value: '9QK4T7XW2B', file: 'sub/team.xcconfig', line: 2 },
      identity: { value: 'Apple Distribution', file: 'identity.xcconfig', line: 1 },
      style: { value: 'Manual', line: 6 },
    });
  });

  it('a setting that goes in circles, or refers to what nothing sets, is told with file, line and what to do', async () => {
    const settings = { A: '$(B)', B: '$(A)', PRODUCT_BUNDLE_IDENTIFIER: 'com.$(A)', DEVELOPMENT_TEAM: '$(TEAM_OF_CI)' };
    const [target] = (await read({ targets: [app(settings)] })).targets;
    expect(target?.gaps).toEqual([
      { file: 'Courier.xcodeproj/project.pbxproj', line: expect.any(Number), found: 'PRODUCT_BUNDLE_IDENTIFIER refers to itself: A → B → A', next: 'break the circle' },
      { file: 'Courier.xcodeproj/project.pbxproj', line: expect.any(Number), found: 'DEVELOPMENT_TEAM refers to TEAM_OF_CI, which nothing sets', next: expect.stringContaining('set it') },
    ]); // prettier-ignore
  });
});

describe('targets', () => {
  it('have roles by product and platform, and belong to the app that carries them, through others too', async () => {
    const project = await read({
      targets: [
        { name: 'Courier', type: 'application', carries: ['Notify', 'Watch', 'Clip'] },
        { name: 'Notify', type: 'app-extension' },
        { name: 'Watch', type: 'application', settings: { SDKROOT: 'watchos' }, carries: ['WatchWidget'] },
        { name: 'WatchWidget', type: 'extensionkit-extension', settings: { SDKROOT: 'watchos' } },
        { name: 'Clip', type: 'application.on-demand-install-capable' },
        { name: 'Desk', type: 'application', settings: { SDKROOT: 'macosx' } },
        { name: 'Both', type: 'application', settings: { SDKROOT: 'auto', SUPPORTED_PLATFORMS: 'iphoneos iphonesimulator macosx' } },
        { name: 'CourierTests', type: 'bundle.unit-test' },
        { name: 'Lonely', type: 'app-extension' },
      ],
    });
    expect(project.targets.map(({ name, role, hosts }) => [name, role, hosts])).toEqual([
      ['Courier', 'host', ['Courier']],
      ['Notify', 'extension', ['Courier']],
      ['Watch', 'watch', ['Courier']],
      ['WatchWidget', 'extension', ['Courier']],
      ['Clip', 'clip', ['Courier']],
      ['Both', 'host', ['Both']],
      ['Lonely', 'extension', []],
    ]);
    expect(project.leftOut).toEqual([
      { name: 'Desk', why: 'built for no device: SDKROOT is macosx' },
      { name: 'CourierTests', why: 'a product of type com.apple.product-type.bundle.unit-test' },
    ]);
  });
});
