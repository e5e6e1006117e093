import { rmSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ChainOptions } from '../../activities/audit/chain-writer.js';
import { recordLine, sealLine } from '../../activities/audit/line.js';
import { NO_PREDECESSOR, sealStatement, type AuditHead, type AuditRecord } from '../../src/domain/audit/record.js';
import type { KnownHead } from '../../src/domain/audit/verify.js';
import { chainOptions, faults, linesIn, newKey, overwrite, verified, written } from './chains.js';

const RECORDS = 12;

/** Links records anew, as somebody would who may write the files and knows how they are made. */
function relinked(lines: readonly string[], change: (record: AuditRecord) => AuditRecord): readonly string[] {
  let before = NO_PREDECESSOR;
  return lines.map((line) => {
    const record = change(JSON.parse(line) as AuditRecord);
    const { bytes, head } = recordLine({ ...record, previous: before });
    before = head.digest;
    return Buffer.from(bytes).toString('utf8');
  });
}

describe('T4: an audit chain that somebody has worked on is found out, by the record', () => {
  let options: ChainOptions;
  let lines: readonly string[];
  let known: KnownHead;

  beforeAll(async () => {
    options = chainOptions();
    const writer = await written(options, RECORDS - 1);
    const head = writer.head as AuditHead;
    await writer.close();
    lines = linesIn(options.folder);
    known = { ...head, from: 'the closing record of ios-main-1' };
  });

  const attacked = async (changed: readonly string[], by: readonly KnownHead[] = []) => {
    overwrite(options.folder, changed);
    return verified(options.folder, by);
  };

  it('finds nothing in what was written', async () => {
    const read = await attacked(lines, [known]);
    expect(faults(read)).toEqual([]);
    expect(read.records).toBe(RECORDS);
  });

  it('names a record that was changed', async () => {
    const changed = lines.map((line, at) => (at === 4 ? line.replace('ios-main', 'ios-beta') : line));
    const read = await attacked(changed);
    expect(faults(read)).toEqual(['changed 5']);
    expect(read.findings[0]?.text).toContain('record 5 was changed');
  });

  it('names a record that was dropped, and several', async () => {
    expect(faults(await attacked(lines.filter((_, at) => at !== 6)))).toEqual(['missing 7']);
    const read = await attacked(lines.filter((_, at) => at < 3 || at > 6));
    expect(read.findings.map(({ text }) => text)).toEqual(['records 4 to 7 are missing: record 8 follows record 3']);
  });

  it('names the first records where they were dropped', async () => {
    expect(faults(await attacked(lines.slice(2)))).toEqual(['missing 1']);
  });

  it('names records that were reordered, and nothing else where they are whole', async () => {
    const swapped = [...lines];
    [swapped[4], swapped[5]] = [swapped[5] ?? '', swapped[4] ?? ''];
    const read = await attacked(swapped);
    expect(faults(read)).toEqual(['reordered 5']);
    expect(read.findings[0]?.text).toContain('is record 5, and comes after record 6');
  });

  it('names a record that is there twice', async () => {
    expect(faults(await attacked(lines.flatMap((line, at) => (at === 3 ? [line, line] : [line]))))).toEqual(['repeated 4']);
  });

  it('names a truncated last record by the head that a rotation has anchored', async () => {
    expect(faults(await attacked(lines.slice(0, -1)))).toEqual([]);
    const read = await attacked(lines.slice(0, -1), [known]);
    expect(faults(read)).toEqual([`truncated ${RECORDS}`]);
    expect(read.findings[0]?.text).toBe(
      `record ${RECORDS} is gone at the end: the closing record of ios-main-1 knows the chain up to record ${RECORDS}`,
    );
  });

  it('says that a whole chain is gone', async () => {
    rmSync(options.folder, { recursive: true });
    expect(faults(await verified(options.folder, [known]))).toEqual(['gone']);
    overwrite(options.folder, lines);
  });

  it('finds a chain that was linked anew after a change, by an anchored head', async () => {
    const forged = relinked(lines, (record) => (record.seq === 5 ? { ...record, at: '2026-01-01T00:00:00.000Z' } : record));
    expect(faults(await attacked(forged))).toEqual([]);
    expect(faults(await attacked(forged, [known]))).toEqual([`changed ${RECORDS}`]);
  });

  it('names lines that are no records: garbage, another spelling, a member that is there twice, a record of another chain', async () => {
    const at = (position: number, line: string) => lines.map((one, index) => (index === position ? line : one));
    expect(faults(await attacked(at(5, 'garbage')))).toEqual(['unreadable 6', 'missing 6']);
    expect(faults(await attacked(at(5, (lines[5] ?? '').replace('":', '" :'))))).toEqual(['unreadable 6', 'missing 6']);
    expect(faults(await attacked(at(5, (lines[5] ?? '').replace('{', '{"seq":6,'))))).toEqual(['unreadable 6', 'missing 6']);
    const other = relinked(lines, (record) => ({ ...record, chain: 'worker-other-000000000000' }))[5] ?? '';
    expect(faults(await attacked(at(5, other)))).toEqual(['foreign 6', 'missing 6']);
  });

  it('finds any one change of any record, wherever it is', async () => {
    const position = fc.nat({ max: RECORDS - 1 });
    const attack = fc.oneof(
      position.map((at) => lines.filter((_, index) => index !== at)),
      fc.tuple(position, position).filter(([a, b]) => a !== b).map(([a, b]) => lines.map((line, index) => (index === a ? lines[b] : index === b ? lines[a] : line) ?? '')),
      fc.tuple(position, position).map(([from, to]) => [...lines.slice(0, to), lines[from] ?? '', ...lines.slice(to)]),
      fc.tuple(position, fc.nat(), fc.integer({ min: 1, max: 255 })).map(([at, where, mask]) => lines.map((line, index) => {
        if (index !== at) return line;
        const bytes = Buffer.from(line);
        bytes[where % bytes.length] = (bytes[where % bytes.length] ?? 0) ^ mask;
        return bytes.toString('latin1');
      })),
    ); // prettier-ignore
    await fc.assert(
      fc.asyncProperty(attack, async (changed) => {
        const read = await attacked(changed, [known]);
        expect(read.findings, changed.join('\n')).not.toEqual([]);
      }),
      { numRuns: 150 },
    );
    overwrite(options.folder, lines);
  });
});

describe('T4: a sealed chain', () => {
  const setUp = async () => {
    const key = newKey();
    const options = chainOptions({ key: () => Promise.resolve(key) });
    for (const records of [3, 1]) await (await written(options, records)).close();
    return { key, options, lines: linesIn(options.folder) };
  };
  const isSeal = (line: string): boolean => line.startsWith('{"seal"');

  it('is signed up to its last record, by the key that is declared or that it names itself', async () => {
    const { key, options } = await setUp();
    const read = await verified(options.folder, [], [key.line]);
    expect(faults(read)).toEqual([]);
    expect(read.seal?.seal.seq).toBe(6);
    expect(faults(await verified(options.folder))).toEqual([]);
  });

  it('cannot be linked anew without the key: seals that are left do not fit, without seals it is unsigned', async () => {
    const { options, lines } = await setUp();
    const records = relinked(
      lines.filter((line) => !isSeal(line)),
      (record) => (record.seq === 3 ? { ...record, at: '2026-01-01T00:00:00.000Z' } : record),
    );
    overwrite(options.folder, records);
    expect(faults(await verified(options.folder))).toEqual(['unsigned 1']);
    overwrite(options.folder, [...records, lines.findLast(isSeal) ?? '']);
    expect(faults(await verified(options.folder))).toEqual(['changed 6', 'unsigned 1']);
  });

  it('that somebody else has sealed anew is by another key', async () => {
    const { key, options, lines } = await setUp();
    const stranger = newKey();
    const records = relinked(
      lines.filter((line) => !isSeal(line)),
      (record) => (record.kind === 'begin' ? { ...record, key: stranger.line } : record),
    );
    const resealed = records.flatMap((text) => {
      const { head } = recordLine(JSON.parse(text) as AuditRecord);
      return [text, Buffer.from(sealLine({ seal: head, signature: stranger.sign(sealStatement(head)) })).toString('utf8')];
    });
    overwrite(options.folder, resealed);
    const read = await verified(options.folder, [], [key.line]);
    expect(faults(read)).toEqual(['forged 6']);
    expect(read.findings[0]?.text).toContain('another key');
  });

  it('shows a dropped last record by its seal, where that was left, and records after the last seal', async () => {
    const { options, lines } = await setUp();
    overwrite(options.folder, [...lines.slice(0, -2), lines.at(-1) ?? '']);
    expect(faults(await verified(options.folder))).toEqual(['truncated 6']);
    overwrite(options.folder, lines.slice(0, -1));
    expect(faults(await verified(options.folder))).toEqual(['unsigned 5']);
  });

  it('without any key that is declared for its writer is unsigned, whatever it says of itself', async () => {
    const options = chainOptions();
    await (await written(options, 2)).close();
    expect(faults(await verified(options.folder))).toEqual([]);
    expect(faults(await verified(options.folder, [], [newKey().line]))).toEqual(['unsigned 1']);
  });
});
