import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { reviewSigning } from '../../src/domain/project-review.js';
import type { ProjectSigning } from '../../src/domain/project-signing.js';
import { readXcodeProject } from '../../src/xcode-project/read-project.js';

const SIMPLENOTE = resolve('../shared/fixtures/xcode-projects/simplenote');
if (!existsSync(SIMPLENOTE) && process.env['CI'] !== undefined)
  throw new Error(`The fixtures of Xcode projects are missing: ${SIMPLENOTE}.`);

describe.skipIf(!existsSync(SIMPLENOTE))('the project of Simplenote, as it is', () => {
  let project: ProjectSigning;
  beforeAll(async () => {
    project = await readXcodeProject(SIMPLENOTE);
  });
  const of = (configuration: string) => project.targets.filter((target) => target.configuration === configuration);

  it('has an app with three extensions in five configurations, each with its bundle ids', () => {
    expect(project.configurations).toHaveLength(5);
    expect(of('Release').map(({ name, role, hosts, bundleId }) => [name, role, hosts, bundleId?.value])).toEqual([
      ['Simplenote', 'host', ['Simplenote'], 'com.codality.NotationalFlow'],
      ['SimplenoteShare', 'extension', ['Simplenote'], 'com.codality.NotationalFlow.Share'],
      ['SimplenoteWidgetsExtension', 'extension', ['Simplenote'], 'com.codality.NotationalFlow.Widgets'],
      ['SimplenoteIntents', 'extension', ['Simplenote'], 'com.codality.NotationalFlow.Intents'],
    ]);
    expect(of('Distribution Alpha').map(({ team }) => team?.value)).toEqual(Array(4).fill('99KV9Z6BKV'));
  });

  it('takes specifiers of the SDK before general ones, and those of an xcconfig file that spells an include in another case', () => {
    expect(of('Debug')[0]?.specifier).toEqual({
      value: 'Simplenote Development',
      file: 'Simplenote.xcodeproj/project.pbxproj',
      line: 4566,
    });
    expect(of('Release')[1]?.specifier).toEqual({
      value: 'match AppStore com.codality.NotationalFlow.Share',
      file: 'config/Simplenote.release.xcconfig',
      line: 6,
    });
    expect(of('Release')[0]?.team?.value).toBe('PZYM8XX95Q');
    // What CocoaPods would write is not in the repository: that is all that is missing.
    expect(project.gaps.filter(({ found }) => !found.startsWith('Pods/'))).toEqual([]);
    expect(project.gaps.length).toBeGreaterThan(0);
  });

  it('names every profile by its name, which only a policy of specifiers: warn lets be (S14)', () => {
    const strict = reviewSigning(of('Release'), 'uuid-only');
    expect(strict.map(({ check, verdict, target }) => [check, verdict, target])).toEqual(
      of('Release').map(({ name }) => ['specifier-by-name', 'refused', name]),
    );
    expect(reviewSigning(of('Release'), 'warn').map(({ verdict }) => verdict)).toEqual(Array(4).fill('warned'));
  });
});
