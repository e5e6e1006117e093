import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { Copies } from '../../activities/audit/copies.js';
import { FileCopy } from '../../activities/audit/file-copy.js';
import { until } from '../setup/until.js';
import { chainOptions, faults, intent, linesIn, newKey, overwrite, verified, written } from './chains.js';

const setUp = async (records: number) => {
  const key = newKey();
  const options = chainOptions({ key: () => Promise.resolve(key), segmentBytes: 2_000 });
  const writer = await written(options, records);
  const place = join(dirname(options.folder), 'copies');
  return { writer, options, place, target: join(place, writer.head?.chain ?? '') };
};
const copyAt = (place: string) => new FileCopy('elsewhere', place);
const same = (one: string, other: string): boolean => linesIn(one).join('\n') === linesIn(other).join('\n');

it('T4: a copy has what the chain has, in the same files, and is verified like the chain', async () => {
  const { writer, options, place, target } = await setUp(30);
  const copies = await Copies.keep(writer, [{ copy: copyAt(place), whenDown: 'stop' }]);
  await writer.append(intent('advanceHead'));
  await writer.close();
  await copies.close();
  expect(same(target, options.folder)).toBe(true);
  expect(faults(await verified(target))).toEqual([]);

  const again = await written(options, 3);
  const later = await Copies.keep(again, [{ copy: copyAt(place), whenDown: 'stop' }]);
  await again.close();
  await later.close();
  const read = await verified(target);
  expect([faults(read), read.records]).toEqual([[], (await verified(options.folder)).records]);
});

it('T4: what a copy lacks that was away it gets when it is back; until then nothing goes forward where it is required', async () => {
  const { writer, options, place, target } = await setUp(2);
  writeFileSync(place, 'a file where the disk is mounted');
  const required = await Copies.keep(writer, [{ copy: copyAt(place), whenDown: 'stop' }], 50);
  const optional = await Copies.keep(writer, [{ copy: copyAt(place), whenDown: 'go-on' }], 50);
  expect(() => { required.mustBeOpen(); }).toThrow(/copy elsewhere of the audit log.*whenDown/s); // prettier-ignore
  optional.mustBeOpen();
  await optional.close();
  for (let number = 0; number < 20; number++) await writer.append(intent('returnHead', { number }));
  rmSync(place);
  await until(() => { required.mustBeOpen(); return true; }, { timeout: 10_000 }); // prettier-ignore
  await writer.close();
  await required.close();
  expect(same(target, options.folder)).toBe(true);
});

it('T4: a gap in a copy is named, and a copy that knows more than the chain lets nothing go forward', async () => {
  const { writer, options, place, target } = await setUp(5);
  const copies = await Copies.keep(writer, [{ copy: copyAt(place), whenDown: 'stop' }]);
  await writer.close();
  await copies.close();
  const lines = linesIn(options.folder);
  overwrite(target, lines.filter((line) => !line.includes('"seq":3}'))); // prettier-ignore
  expect(faults(await verified(target))).toEqual(['missing 3']);
  overwrite(target, lines);

  renameSync(options.folder, `${options.folder}.whole`);
  overwrite(options.folder, lines.filter((line) => !line.startsWith('{"seal"')).slice(0, 3)); // prettier-ignore
  const cut = await written(options, 0);
  const held = await Copies.keep(cut, [{ copy: copyAt(place), whenDown: 'stop' }]);
  expect(() => { held.mustBeOpen(); }).toThrow(/it has record 6, and the chain has not/); // prettier-ignore
  await cut.close();
  await held.close();
});
