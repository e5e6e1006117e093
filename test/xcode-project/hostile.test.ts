import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ResealError } from '../../src/domain/errors.js';
import { parseOpenStep } from '../../src/xcode-project/open-step.js';
import { readXcodeProject } from '../../src/xcode-project/read-project.js';
import { writeProject } from './project.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

const APP = { name: 'Courier', type: 'application' } as const;
const pbxproj = (folder: string): string => join(folder, 'Courier.xcodeproj/project.pbxproj');
const refusal = (folder: string): Promise<unknown> => readXcodeProject(folder).then(() => null, (error: unknown) => error); // prettier-ignore

describe('a project file that is broken or made to do harm is refused, with its line', () => {
  it('cut off anywhere', async () => {
    const whole = readFileSync(pbxproj(writeProject({ targets: [APP] }, temporaryFolder('reseal-xcode'))), 'utf8').trimEnd();
    fc.assert(
      fc.property(fc.integer({ min: 20, max: whole.length - 1 }), (length) => {
        expect(() => parseOpenStep(whole.slice(0, length), 'project.pbxproj')).toThrow(/^project\.pbxproj:\d+: found .*, expected /s);
      }),
    );
  });

  it('nested without end', async () => {
    const folder = writeProject({ targets: [APP] }, temporaryFolder('reseal-xcode'));
    writeFileSync(pbxproj(folder), '{a='.repeat(200_000));
    expect(await refusal(folder)).toMatchObject({ code: 'PROJECT_INVALID', message: expect.stringContaining('at most 64 levels') });
  });

  it('with no project in it, of another form, or too large', async () => {
    const folder = writeProject({ targets: [APP] }, temporaryFolder('reseal-xcode'));
    writeFileSync(pbxproj(folder), '{\n\tobjects = {};\n\trootObject = ABC;\n}');
    expect(await refusal(folder)).toMatchObject({
      message: 'Courier.xcodeproj/project.pbxproj:3: found rootObject "ABC", expected the id of a PBXProject.',
    });
    writeFileSync(pbxproj(folder), '<?xml version="1.0"?><plist/>');
    expect(await refusal(folder)).toMatchObject({ code: 'PROJECT_INVALID', message: expect.stringContaining('XML') });
    truncateSync(pbxproj(folder), 70_000_000);
    expect(await refusal(folder)).toMatchObject({ code: 'FILE_UNREADABLE', message: expect.stringContaining('70000000 bytes') });
  });

  it('of any text whatever: a refusal in words, and never another failure', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('{', '}', '(', ')', '=', ';', ',', '"', '\\', 'a', '/', '*', '<', '>', '\n') }),
        (text) => {
          try {
            parseOpenStep(text, 'x');
          } catch (error) {
            expect(error).toBeInstanceOf(ResealError);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('settings that would never end', () => {
  it.each([
    [
      'doubling',
      Object.fromEntries([...Array(60).keys()].map((n) => [`A${n}`, `$(A${n + 1})$(A${n + 1})`]).concat([['A60', 'x'.repeat(1_000)]])),
    ],
    ['brackets in brackets', { A0: '$('.repeat(20_000) + ')'.repeat(20_000) }],
    ['a long chain', Object.fromEntries([...Array(5_000).keys()].map((n) => [`A${n}`, `$(A${n + 1})`]))],
  ])('%s: given up at once, and told', async (_what, settings: Record<string, string>) => {
    const began = performance.now();
    const project = await readXcodeProject(
      writeProject(
        { targets: [{ ...APP, settings: { ...settings, PRODUCT_BUNDLE_IDENTIFIER: '$(A0)' } }] },
        temporaryFolder('reseal-xcode'),
      ),
    );
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(project.targets[0]).toMatchObject({
      bundleId: null,
      gaps: [{ found: 'PRODUCT_BUNDLE_IDENTIFIER refers to more settings than can be followed' }],
    });
  });
});

describe('xcconfig files', () => {
  const read = async (files: Readonly<Record<string, string>>, prepare: (folder: string) => void = () => undefined) => {
    const folder = writeProject({ targets: [APP], xcconfig: 'a.xcconfig', files }, temporaryFolder('reseal-xcode'));
    prepare(folder);
    const { gaps, targets } = await readXcodeProject(folder);
    return { gaps: gaps.map(({ file, line, found }) => `${file}:${line}: ${found}`), team: targets[0]?.team?.value };
  };

  it('outside the project are not read: by a path, through a link, or beneath the project itself', async () => {
    const elsewhere = temporaryFolder('reseal-elsewhere');
    writeFileSync(join(elsewhere, 'secret.xcconfig'), 'DEVELOPMENT_TEAM = SECRETTEAM');
    const absolute = await read({ 'a.xcconfig': `\n#include "${elsewhere}/secret.xcconfig"` });
    expect(absolute).toEqual({ gaps: [expect.stringMatching(/^a\.xcconfig:2: .*which lies outside /)], team: undefined });
    const upwards = await read({ 'a.xcconfig': '#include? "../../../../etc/hosts"' });
    expect(upwards.gaps).toEqual([expect.stringContaining('which lies outside ')]);
    const linked = await read({ 'a.xcconfig': '#include "link.xcconfig"' }, (folder) =>
      symlinkSync(join(elsewhere, 'secret.xcconfig'), join(folder, 'link.xcconfig')),
    );
    expect(linked).toEqual({ gaps: [expect.stringContaining('which lies outside ')], team: undefined });
  });

  it('of the same repository are read, though they lie beside the project', async () => {
    const repository = temporaryFolder('reseal-repository');
    mkdirSync(join(repository, '.git'));
    writeFileSync(join(repository, 'team.xcconfig'), 'DEVELOPMENT_TEAM = 9QK4T7XW2B');
    const folder = join(repository, 'app');
    writeProject({ targets: [APP], xcconfig: 'a.xcconfig', files: { 'a.xcconfig': '#include "../team.xcconfig"' } }, folder);
    expect((await readXcodeProject(folder)).targets[0]?.team).toEqual({ value: '9QK4T7XW2B', file: '../team.xcconfig', line: 1 });
  });

  it('in a circle, of no file, or not understood are told by line, and the rest is read', async () => {
    expect(await read({
      'a.xcconfig': '#include "b.xcconfig"\n#include "folder"\n#define X\nthis is nothing\n#include "gone.xcconfig"\nDEVELOPMENT_TEAM = 9QK4T7XW2B',
      'b.xcconfig': '#include "a.xcconfig"',
      'folder/x': '',
    })).toEqual({
      team: '9QK4T7XW2B',
      gaps: [
        'b.xcconfig:1: a.xcconfig, which is being included already',
        'a.xcconfig:2: folder: no regular file',
        'a.xcconfig:3: "#define X"',
        'a.xcconfig:4: "this is nothing"',
        'a.xcconfig:5: gone.xcconfig, which is not there',
      ],
    }); // prettier-ignore
  });

  it('that bring each other in over and over are read so many times and no more', async () => {
    const files = Object.fromEntries(
      [...Array(30).keys()].map((n) => [`${n}.xcconfig`, `#include "${n + 1}.xcconfig"\n#include "${n + 1}.xcconfig"`]),
    );
    const began = performance.now();
    const { gaps } = await read({ ...files, 'a.xcconfig': '#include "0.xcconfig"' });
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(gaps.some((gap) => gap.includes('after 256 files'))).toBe(true);
  });
});
