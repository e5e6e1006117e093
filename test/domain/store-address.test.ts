import { describe, expect, it } from 'vitest';
import { storeAddress } from '../../src/domain/store-address.js';

describe('the address of a store', () => {
  it.each(['./store.git', '../a:b/store.git', '/srv/store.git', '~/store.git', 'store.git'])('%s is a path', (url) => {
    expect(storeAddress(url)).toEqual({ kind: 'path', path: url });
  });

  it.each([
    ['ssh', 'git@git.acme.example:signing/main.git'],
    ['ssh', 'git.acme.example:main.git'],
    ['ssh', 'ssh://git@git.acme.example:2222/signing/main.git'],
    ['ssh', 'ssh://[::1]/main.git'],
    ['https', 'https://git.acme.example/signing/main.git'],
    ['file', 'file:///srv/store.git'],
  ])('by %s is %s', (protocol, url) => {
    expect(storeAddress(url)).toEqual({ kind: 'remote', protocol, url });
  });

  it.each([
    'https://rita:hunter2@git.acme.example/main.git',
    'https://hunter2@git.acme.example/main.git',
    'ssh://git:hunter2@git.acme.example/main.git',
    'git:hunter2@git.acme.example:main.git',
    'http://rita:hunter2@git.acme.example/main.git',
  ])('with credentials is refused, and they are not shown: %s', (url) => {
    const refused = storeAddress(url);
    expect(refused).toMatchObject({ kind: 'refused', found: 'an address with credentials in it' });
    expect(JSON.stringify(refused)).toMatch(/ssh key or a git credential helper/);
    expect(JSON.stringify(refused)).not.toContain('hunter2');
  });

  it.each([
    'http://git.acme.example/main.git',
    'git://git.acme.example/main.git',
    'ext::sh -c touch% /x',
    'fd::17',
    '-oProxyCommand=x:main.git',
    'ssh://-oProxyCommand=x/main.git',
    'ssh://-l@host/main.git',
    'host:-upload-pack',
    'ssh://git.acme.example',
    'https:///main.git',
    'https://git.acme.example/main.git?private_token=hunter2',
    'file://server/main.git',
    'https://git.acme.example/a b',
  ])('that proves nobody, runs a program, or leads nowhere is refused: %s', (url) => {
    const refused = storeAddress(url);
    expect(refused.kind).toBe('refused');
    expect(JSON.stringify(refused)).not.toContain('hunter2');
  });
});
