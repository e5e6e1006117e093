import { describe, expect, it } from 'vitest';
import { wipeableTreeOf } from '../../src/domain/wipeable.js';

describe('a path on a node', () => {
  it.each([
    ['~/Library/Developer/Xcode/DerivedData/x', '~/Library/Developer/Xcode/DerivedData'],
    ['/Users/ci/Library/Caches/reseal', '~/Library/Caches'],
    ['/users/ci/library/caches', '~/Library/Caches'],
    ['/tmp', '/tmp'],
    ['/private/tmp/reseal', '/tmp'],
    ['/private/var/folders/zz/x', '/var/folders'],
    ['/var/tmp/', '/var/tmp'],
    ['/usr/local/../../tmp/x', '/tmp'],
    ['~/work/.cache/reseal', '.cache'],
    ['~/a/../Library//Caches/./x', '~/Library/Caches'],
  ])('%s is wipeable by %s', (path, tree) => expect(wipeableTreeOf(path)).toBe(tree));

  it.each([
    '/usr/local/var/reseal/state',
    '/tmpfoo',
    '~/Library/CachesOfMine',
    '~/Library/MobileDevice/Provisioning Profiles',
    '/var/db',
    '~/my.cache/x',
  ])('%s is safe', (path) => expect(wipeableTreeOf(path)).toBeNull());

  it('is wipeable where the policy says so', () => {
    expect(wipeableTreeOf('/Volumes/build/reseal', ['/Volumes/build'])).toBe('/Volumes/build');
    expect(wipeableTreeOf('/Users/ci/scratch/x', ['~/scratch'])).toBe('~/scratch');
    expect(wipeableTreeOf('/anything', ['/'])).toBe('/');
  });
});
