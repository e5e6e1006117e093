import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { ChainWriter } from '../../activities/audit/chain-writer.js';
import { newMachineKey } from '../../src/statement/machine-key.js';
import { until } from '../setup/until.js';
import { chainOptions, faults, intent, linesIn, newKey, verified, written } from './chains.js';

const ENDLESS = fileURLToPath(new URL('endless-writer.ts', import.meta.url));

const lastFile = (folder: string): string => join(folder, readdirSync(folder).sort().at(-1) ?? '');

it('has a record on disk when it promises it, and seals it a moment later; many share one seal', async () => {
  const key = newKey();
  const options = chainOptions({ key: () => Promise.resolve(key) });
  const writer = await written(options, 1);
  const heads = await Promise.all([1, 2, 3, 4].map((number) => writer.append(intent('notify', { number }))));
  expect(heads.map(({ seq }) => seq)).toEqual([3, 4, 5, 6]);
  expect(linesIn(options.folder).filter((line) => !line.startsWith('{"seal"'))).toHaveLength(6);
  expect(writer.head).toEqual(heads[3]);
  await until(async () => (await verified(options.folder)).seal?.seal.seq === 6, { what: 'a seal', timeout: 10_000 });
  expect(linesIn(options.folder).length).toBeLessThan(9);

  await writer.append(intent('notify'));
  await writer.close();
  const read = await verified(options.folder, [], [key.line]);
  expect([faults(read), read.seal?.seal.seq]).toEqual([[], 7]);
  await expect(writer.append(intent('late'))).rejects.toThrow('cannot be written');
});

it('goes on in a new file once one is large, and the chain goes through all of them', async () => {
  const options = chainOptions({ segmentBytes: 2_000 });
  await (await written(options, 40)).close();
  expect(readdirSync(options.folder).length).toBeGreaterThan(3);
  for (const name of readdirSync(options.folder)) expect(statSync(join(options.folder, name)).size).toBeLessThan(3_000);
  const read = await verified(options.folder);
  expect([faults(read), read.records]).toEqual([[], 41]);

  const [, second = ''] = readdirSync(options.folder).sort();
  rmSync(join(options.folder, second));
  expect(faults(await verified(options.folder))).toEqual([`missing ${Number(second.slice(0, 16))}`]);
});

it('cuts away what a killed writer has left half written, and says so in the chain', async () => {
  const options = chainOptions();
  await (await written(options, 3)).close();
  appendFileSync(lastFile(options.folder), '{"chain":"worker-de');
  expect(faults(await verified(options.folder))).toEqual(['unreadable 5']);
  await (await written(options, 1)).close();
  expect(faults(await verified(options.folder))).toEqual([]);
  const resumed = linesIn(options.folder).map((line) => JSON.parse(line) as { kind: string; cut?: { bytes: number } | null });
  expect(resumed.map(({ kind }) => kind)).toEqual(['begin', 'intent', 'intent', 'intent', 'resume', 'intent']);
  expect(resumed[4]?.cut?.bytes).toBe(19);
});

it('takes up a chain whose newest file was begun and has nothing whole', async () => {
  const options = chainOptions();
  await (await written(options, 2)).close();
  writeFileSync(join(options.folder, '0000000000000004.jsonl'), '{"at":');
  await (await written(options, 1)).close();
  expect(faults(await verified(options.folder))).toEqual([]);
  expect(linesIn(options.folder)).toHaveLength(5);
});

it('sets a chain aside whose end cannot be read, and begins another one that names it', async () => {
  const options = chainOptions();
  await (await written(options, 2)).close();
  appendFileSync(lastFile(options.folder), 'garbage\n');
  await (await written(options, 1)).close();
  const { after } = JSON.parse(linesIn(options.folder)[0] ?? '') as { after: string };
  expect(readdirSync(dirname(options.folder))).toContain(after);
  expect(faults(await verified(options.folder))).toEqual([]);
  expect(faults(await verified(join(dirname(options.folder), after)))).toEqual(['unreadable 4']);
});

it('refuses what it cannot write, and goes on where it was as soon as it can', async () => {
  const options = chainOptions({ segmentBytes: 1 });
  const writer = await written(options, 1);
  renameSync(options.folder, `${options.folder}.away`);
  writeFileSync(options.folder, 'a file in its place');
  await expect(writer.append(intent('advanceHead'))).rejects.toMatchObject({ code: 'AUDIT_UNWRITABLE' });
  expect(writer.head).toBeNull();
  rmSync(options.folder);
  renameSync(`${options.folder}.away`, options.folder);
  await writer.append(intent('advanceHead'));
  await writer.close();
  const read = await verified(options.folder);
  expect([faults(read), read.records]).toEqual([[], 4]);
});

it.each([['unsealed', ''], ['sealed', Buffer.from(newMachineKey()).toString('base64')]])('loses nothing that it has promised when it is killed in the middle of writing (%s)', async (_, key) => {
  const { folder } = chainOptions();
  for (const kill of [1, 2, 3]) {
    const child = spawn(process.execPath, ['--import', 'tsx', ENDLESS, folder, key], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    await new Promise<void>((resolve) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.length > kill * 200) child.kill('SIGKILL');
      });
      child.once('close', () => {
        resolve();
      });
    });
    const promised = Number(said.split('\n').slice(0, -1).at(-1));
    expect(promised).toBeGreaterThan(10);
    await (await ChainWriter.open(chainOptions({ folder, ...(key === '' ? {} : { key: () => Promise.resolve(newKey()) }) }))).close();
    const read = await verified(folder);
    expect(faults(read)).toEqual([]);
    expect(read.records).toBeGreaterThan(promised);
  }
  expect(readFileSync(lastFile(folder), 'utf8')).toMatch(/\n$/);
}, 30_000); // prettier-ignore
