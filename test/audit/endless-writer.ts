/** A process that appends to a chain for as long as it lives, and prints the number of every record that it was promised. */
import { ChainWriter } from '../../activities/audit/chain-writer.js';
import { readMachineKey } from '../../src/statement/machine-key.js';

const [folder = '', key = ''] = process.argv.slice(2);
const writer = await ChainWriter.open({
  folder,
  writer: { kind: 'worker', name: 'endless' },
  key: () =>
    Promise.resolve(key === '' ? null : readMachineKey(Buffer.from(key, 'base64').toString('utf8'), 'the test', 'reseal node enroll')),
  version: '0.1.0',
  segmentBytes: 20_000,
});
for (;;) {
  const heads = await Promise.all(
    ['stageNode', 'switchNode', 'retireNode'].map((effect) => writer.append({ kind: 'intent', effect, attempt: 1, facts: {} })),
  );
  process.stdout.write(heads.map(({ seq }) => `${seq}\n`).join(''));
}
