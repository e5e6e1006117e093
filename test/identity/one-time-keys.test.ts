import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { OneTimeKeys } from '../../src/identity/one-time-keys.js';
import { openWith, sealTo } from '../../src/identity/sealed.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

const ID = '97134e8c-1f2a3b4c';

it('S6: a key is made once, read by nobody else, and opens what is sealed to it until it is forgotten', async () => {
  const home = temporaryFolder('reseal-keys');
  const keys = new OneTimeKeys(home);
  const path = join(home, 'exports', ID);
  const { recipient, made } = await keys.make(ID, 1_000);
  expect(made).toBe(true);
  expect([statSync(path).mode & 0o777, statSync(join(home, 'exports')).mode & 0o777]).toEqual([0o600, 0o700]);
  const before = readFileSync(path, 'utf8');
  expect(await keys.make(ID, 9_000)).toEqual({ recipient, made: false });
  expect(readFileSync(path, 'utf8')).toBe(before);
  const sealed = await sealTo(recipient, Buffer.from('what was sealed'));
  expect(Buffer.from((await openWith((await keys.read(ID)) ?? '', sealed)) ?? []).toString()).toBe('what was sealed');
  expect(await keys.list()).toEqual([{ id: ID, until: 1_000 }]);
  await keys.forget(ID);
  await keys.forget(ID);
  expect(existsSync(path)).toBe(false);
  expect(await keys.read(ID)).toBeNull();
  expect(await keys.list()).toEqual([]);
});

it('S6: a draft that was cut off goes, one that is being written stays, and a key that cannot be read is over', async () => {
  const home = temporaryFolder('reseal-keys');
  const keys = new OneTimeKeys(home);
  await keys.make(ID, 1_000);
  const [old, fresh] = ['old', 'fresh'].map((name) => join(home, 'exports', `${ID}.${name}`)) as [string, string];
  for (const draft of [old, fresh]) writeFileSync(draft, '{');
  utimesSync(old, 1, 1);
  writeFileSync(join(home, 'exports', '00000000-00000000'), '{');
  expect(await keys.list()).toEqual([
    { id: '00000000-00000000', until: 0 },
    { id: ID, until: 1_000 },
  ]);
  expect(readdirSync(join(home, 'exports'))).toEqual(['00000000-00000000', ID, `${ID}.fresh`]);
});

it.each(['../token', '97134e8c', '', '97134e8c-1f2a3b4c/..'])('S6: %j names no key', async (id) => {
  const keys = new OneTimeKeys(temporaryFolder('reseal-keys'));
  await expect(keys.make(id, 1)).rejects.toMatchObject({ code: 'USAGE' });
  await expect(keys.forget(id)).rejects.toMatchObject({ code: 'USAGE' });
});
