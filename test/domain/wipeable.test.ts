import fc from 'fast-check';
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

  it('is wipeable exactly when it lies in a wipeable tree, however deep and however it is written', () => {
    const part = fc.stringMatching(/^[a-z][a-z0-9 -]{0,8}$/).filter((one) => one.trim() === one);
    const trees = fc.constantFrom('~/Library/Caches', '/tmp', '/private/var/folders', '/Users/ci/Library/Developer/Xcode/DerivedData');
    const deep = fc.array(part, { maxLength: 5 });
    const detour = fc.constantFrom('/', '//', '/./', '/x/../');
    fc.assert(
      fc.property(trees, deep, detour, (tree, below, slash) => {
        const path = [tree, ...below].join(slash);
        expect(wipeableTreeOf(path)).not.toBeNull();
        expect(wipeableTreeOf(path.toUpperCase())).not.toBeNull();
        expect(wipeableTreeOf(`${tree}-of-mine${slash}${below.join(slash)}`)).toBeNull();
      }),
    );
  });
});
