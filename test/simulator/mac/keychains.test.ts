import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clearFault, setFault } from '../../../src/simulator/mac/faults.js';
import { installMac, setClock } from '../../../src/simulator/mac/install.js';
import { PASSWORD, quoted, simulatedMac, transcript, type Mac } from './support.js';

let mac: Mac;
beforeAll(async () => {
  mac = await simulatedMac();
});
afterAll(() => mac.dispose());

const unlock = (): unknown => mac.interactive(`unlock-keychain -p ${quoted(PASSWORD)} login.keychain`);
beforeEach(unlock);

const WRONG = 'The user name or passphrase you entered is not correct.';
const NO_UI = 'User interaction is not allowed.';
const MISSING = 'The specified keychain could not be found.';

describe('unlock-keychain and lock-keychain', () => {
  it('a wrong password is refused with the recorded words and exit code 51', () => {
    mac.security('lock-keychain', mac.login);
    const ended = mac.security('unlock-keychain', '-p', 'wrong', mac.login);
    const recorded = transcript('unlock-wrong-password').replace('/Users/mlawler/Library/Keychains/login.keychain-db', mac.login);
    expect(ended).toEqual({ stdout: '', stderr: recorded, code: 51 });
    expect(mac.security('show-keychain-info', mac.login).code).toBe(36);
  });

  it('the right password unlocks, given as an argument, on a line of -i, and to the prompt', () => {
    for (const attempt of [
      () => mac.security('unlock-keychain', '-p', PASSWORD, 'login.keychain'),
      () => mac.interactive(`unlock-keychain -p ${quoted(PASSWORD)} login.keychain`),
      () => mac.run('security', ['unlock-keychain', 'login.keychain'], { input: `${PASSWORD}\n` }),
    ]) {
      mac.security('lock-keychain', 'login.keychain');
      expect(attempt().code).toBe(0);
      expect(mac.security('show-keychain-info', 'login.keychain').code).toBe(0);
    }
  });

  it('an unlocked keychain does not look at the password', () => {
    expect(mac.security('unlock-keychain', '-p', 'wrong', 'login.keychain')).toEqual({ stdout: '', stderr: '', code: 0 });
  });

  it('without a password there is no user interaction (36), and a keychain that is missing is named (50)', () => {
    mac.security('lock-keychain', '-a');
    expect(mac.security('unlock-keychain', '-u', 'login.keychain')).toMatchObject({
      stderr: `security: SecKeychainUnlock login.keychain: ${NO_UI}\n`,
      code: 36,
    });
    expect(mac.security('unlock-keychain', '-p', 'x', '/nowhere/a.keychain')).toMatchObject({
      stderr: `security: SecKeychainUnlock /nowhere/a.keychain: ${MISSING}\n`,
      code: 50,
    });
  });

  it.each([
    ['something else\n'],
    [''],
    ['reseal simulated keychain 1\n'],
    ['reseal simulated keychain 1\nid \nlock-on-sleep no\nuse-lock-interval no\ntimeout never\n'],
    ['reseal simulated keychain 1\nid ../..\nlock-on-sleep no\nuse-lock-interval no\ntimeout never\n'],
  ])('a file that is no keychain is refused, and nothing deleted by it: %j', (content) => {
    const path = mac.path('not-a.keychain');
    writeFileSync(path, content);
    const sentence = 'The specified keychain is not a valid keychain file.';
    const refused = (call: string, code: number): object => ({ stdout: '', stderr: `security: ${call}: ${sentence}\n`, code });
    expect(mac.security('unlock-keychain', '-p', 'x', path)).toEqual(refused(`SecKeychainUnlock ${path}`, 49));
    expect(mac.security('delete-keychain', path)).toEqual(refused('SecKeychainDelete', 49));
    expect(mac.security('set-key-partition-list', '-S', 'apple:', '-k', 'x', path)).toEqual(refused('SecKeychainUnlock', 1));
    expect(readFileSync(path, 'utf8')).toBe(content);
    expect(mac.security('show-keychain-info', 'login.keychain').code).toBe(0);
  });

  it('without a name the default keychain is meant', () => {
    expect(mac.security('lock-keychain').code).toBe(0);
    expect(mac.security('show-keychain-info')).toEqual({
      stdout: '',
      stderr: `security: SecKeychainCopySettings <NULL>: ${NO_UI}\n`,
      code: 36,
    });
  });

  it('a keychain that is locked for good cannot be unlocked', async () => {
    await setFault(mac.home, { kind: 'locked-for-good' });
    const ended = mac.security('unlock-keychain', '-p', PASSWORD, 'login.keychain');
    await clearFault(mac.home, 'locked-for-good');
    expect(ended).toEqual({ stdout: '', stderr: `security: SecKeychainUnlock login.keychain: ${NO_UI}\n`, code: 36 });
  });
});

describe('settings', () => {
  it('show-keychain-info prints the three recorded forms on stderr', () => {
    const shown = [
      ['login.keychain', ''],
      ['ci.keychain-db', 'set-keychain-settings -l -u -t 21600 ci.keychain-db'],
      ['build.keychain-db', 'set-keychain-settings build.keychain-db'],
    ].map(([name = '', settings = '']) => {
      // The login keychain has no timeout on a Mac; the recorded one is as a new keychain is.
      const file = name === 'login.keychain' ? 'new.keychain' : name;
      mac.interactive(`create-keychain -p secret ${file}`, settings);
      const { stdout, stderr, code } = mac.security('show-keychain-info', file);
      expect({ stdout, code }).toEqual({ stdout: '', code: 0 });
      return stderr.replace('new.keychain', 'login.keychain');
    });
    expect(shown.join('')).toBe(transcript('show-keychain-info'));
  });

  it('a keychain locks when it was not used for its timeout, by the clock of the node', async () => {
    await setClock(mac.home, new Date('2026-03-01T12:00:00Z'));
    mac.interactive('create-keychain -p secret timed.keychain', 'set-keychain-settings -t 60 timed.keychain');
    const codes: (number | null)[] = [];
    for (const at of ['12:00:59', '12:01:00']) {
      await setClock(mac.home, new Date(`2026-03-01T${at}Z`));
      codes.push(mac.security('show-keychain-info', 'timed.keychain').code);
    }
    expect(codes).toEqual([0, 36]);
    expect(mac.security('unlock-keychain', '-p', 'secret', 'timed.keychain').code).toBe(0);
    expect(mac.security('show-keychain-info', 'timed.keychain').code).toBe(0);
    await setClock(mac.home, null);
  });

  it('settings of a locked keychain cannot be changed', () => {
    mac.security('lock-keychain', 'login.keychain');
    expect(mac.security('set-keychain-settings', '-t', '5', 'login.keychain')).toMatchObject({
      stderr: `security: SecKeychainSetSettings login.keychain: ${NO_UI}\n`,
      code: 36,
    });
    unlock();
    expect(mac.security('show-keychain-info', 'login.keychain').stderr).toBe('Keychain "login.keychain" no-timeout\n');
  });
});

describe('keychains that come and go', () => {
  it('lists the search list as recorded, the keychain of all users last', () => {
    mac.security('list-keychains', '-d', 'user', '-s', 'login.keychain');
    const recorded = transcript('list-keychains')
      .replace('/Users/travis/Library/Keychains/login.keychain', mac.login)
      .replace('/Library/Keychains/System.keychain', join(mac.home, 'Library/Keychains/System.keychain'));
    expect(mac.security('list-keychains')).toEqual({ stdout: recorded, stderr: '', code: 0 });
    expect(mac.security('list-keychains', '-d', 'user').stdout).toBe(`    "${mac.login}"\n`);
  });

  it('a new one is unlocked, in the search list and not twice to be had (48)', () => {
    expect(mac.security('create-keychain', '-p', 'secret', 'once.keychain')).toEqual({ stdout: '', stderr: '', code: 0 });
    expect(mac.security('list-keychains', '-d', 'user').stdout).toContain(`${mac.home}/Library/Keychains/once.keychain-db`);
    expect(mac.security('show-keychain-info', 'once.keychain').code).toBe(0);
    expect(mac.security('create-keychain', '-p', 'secret', 'once.keychain')).toMatchObject({
      stderr: 'security: SecKeychainCreate once.keychain: A keychain with the same name already exists.\n',
      code: 48,
    });
    expect(mac.security('delete-keychain', 'once.keychain').code).toBe(0);
    expect(mac.security('list-keychains').stdout).not.toContain('once');
    expect(mac.security('delete-keychain', 'once.keychain')).toMatchObject({
      stderr: `security: SecKeychainDelete: ${MISSING}\n`,
      code: 50,
    });
  });

  it('the default keychain can be set and be missing', () => {
    expect(mac.security('default-keychain').stdout).toBe(`    "${mac.login}"\n`);
    mac.security('default-keychain', '-s');
    const sentence = 'A default keychain could not be found.';
    expect(mac.security('default-keychain')).toMatchObject({ stderr: `security: SecKeychainCopyDefault: ${sentence}\n`, code: 1 });
    mac.security('default-keychain', '-d', 'user', '-s', 'login.keychain');
    expect(mac.security('default-keychain', '-d', 'user').stdout).toBe(`    "${mac.login}"\n`);
  });

  it('keeps passwords as salted digests that nobody else can read (T1)', () => {
    const secrets = join(mac.home, '.mac/secrets');
    expect(statSync(secrets).mode & 0o777).toBe(0o700);
    const files = readdirSync(secrets, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    expect(files.length).toBeGreaterThan(1);
    for (const file of files) expect(statSync(join(file.parentPath, file.name)).mode & 0o777).toBe(0o600);
    const everything = readdirSync(mac.home, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    expect(everything.filter((one) => readFileSync(join(one.parentPath, one.name), 'utf8').includes(PASSWORD))).toEqual([]);
  });

  it('installed again, a Mac keeps its keychains', async () => {
    const before = readFileSync(mac.login, 'utf8');
    await installMac(mac.home, { ...mac.options, loginPassword: 'another' });
    expect(readFileSync(mac.login, 'utf8')).toBe(before);
  });
});

describe('commands', () => {
  it.each([
    [['unlock-keychain', '-z'], 'security: illegal option -- z\nUsage: unlock-keychain '],
    [['unlock-keychain', '-p'], 'security: option requires an argument -- p\nUsage: unlock-keychain '],
    [['unlock-keychain', '-p', 'x', 'a', 'b'], 'Usage: unlock-keychain '],
    [['list-keychains', 'a'], 'Usage: list-keychains '],
    [['list-keychains', '-d', 'nobody'], 'security: Invalid domain: nobody\nUsage: list-keychains '],
    [['find-identity', '-p', 'nothing'], 'Usage: find-identity '],
    [['import'], 'Usage: import '],
    [['cms'], 'Usage: cms '],
    [['set-key-partition-list', '-k', 'x'], 'Usage: set-key-partition-list '],
  ])('%j used wrongly says how it is used, exit 2', (args, begins) => {
    const { stdout, stderr, code } = mac.security(...args);
    expect(stderr.startsWith(begins)).toBe(true);
    expect({ stdout, code }).toEqual({ stdout: '', code: 2 });
  });

  it('a name may be shortened; one that nothing bears is unknown', () => {
    expect(mac.security('list').stdout).toBe(mac.security('list-keychains').stdout);
    expect(mac.security('nonsense')).toEqual({ stdout: '', stderr: 'security: unknown command "nonsense"\n', code: 1 });
  });

  it('-i runs every whole line, tells failures on stderr and ends as the last command did', () => {
    const failing = mac.interactive('list-keychains -d user', 'unlock-keychain -p x /nowhere', 'nonsense', 'show-keychain-info /nowhere');
    expect(failing).toEqual({
      stdout: mac.security('list-keychains', '-d', 'user').stdout,
      stderr: [
        `security: SecKeychainUnlock /nowhere: ${MISSING}`,
        'unlock-keychain: returned -25294',
        'security: unknown command "nonsense"',
        'nonsense: returned 1',
        `security: SecKeychainCopySettings /nowhere: ${MISSING}`,
        'show-keychain-info: returned -25294',
        '',
      ].join('\n'),
      code: 50,
    });
    expect(mac.interactive('nonsense', 'list-keychains').code).toBe(0);
    expect(mac.run('security', ['-q', '-i'], { input: 'nonsense\n' }).stderr).toBe('security: unknown command "nonsense"\n');
  });

  it('-i drops a last line without its newline', () => {
    const ended = mac.run('security', ['-i'], { input: 'default-keychain\nlock-keychain login.keychain' });
    expect(ended).toEqual({ stdout: `    "${mac.login}"\n`, stderr: '', code: 0 });
    expect(mac.security('show-keychain-info', 'login.keychain').code).toBe(0);
  });

  it('-i splits words as Apple does: quotes, backslashes, empty words', () => {
    for (const [word, password] of [
      ["'two words'", 'two words'],
      ['two\\ words', 'two words'],
      ['"a\\"b\\\\c"', 'a"b\\c'],
      ['""', ''],
      ['*', '*'],
      ['in"side', 'in"side'],
    ] as const) {
      mac.interactive(`create-keychain -p ${word} words.keychain`, 'lock-keychain words.keychain');
      expect([word, mac.security('unlock-keychain', '-p', password, 'words.keychain').code]).toEqual([word, 0]);
      mac.security('delete-keychain', 'words.keychain');
    }
  });

  it('works where a folder on the way has blanks in its name', async () => {
    mkdirSync(mac.path('a folder'));
    const home = mac.path('a folder/home');
    await installMac(home, { roots: [], intermediates: [], loginPassword: 'x' });
    expect(mac.run(join(home, 'bin/security'), ['list-keychains', '-d', 'user']).stdout).toBe(
      `    "${home}/Library/Keychains/login.keychain-db"\n`,
    );
  });

  it('a wrong password in the wrong place says so in the same words', () => {
    expect(mac.security('set-key-partition-list', '-S', 'apple:', '-k', 'x', 'login.keychain').stderr).toBe(
      `security: SecKeychainUnlock: ${WRONG}\n`,
    );
  });
});
