import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import type { ChainWriter } from '../../activities/audit/chain-writer.js';
import { Copies } from '../../activities/audit/copies.js';
import { PieceCopy } from '../../activities/audit/piece-copy.js';
import { verifyItems } from '../../activities/audit/verify-chain.js';
import { openDeclaredStore } from '../../activities/manifest-store/declared.js';
import { checkSinks } from '../../src/cli/doctor/sinks.js';
import { loadConfiguration } from '../../src/configuration/load.js';
import { LedgerPieces } from '../../src/ledger/audit-pieces.js';
import { openLedger } from '../../src/ledger/open.js';
import type { AuditVerdictView } from '../../src/presenters/audit.js';
import { openWorkerLog } from '../../src/temporal/audit/worker-log.js';
import { reseal } from '../cli/terminal.js';
import { startPostgres, type TestPostgres } from '../setup/postgres.js';
import { until } from '../setup/until.js';
import { chainOptions, faults, intent, linesIn, newKey, overwrite, written } from './chains.js';

vi.setConfig({ testTimeout: 60_000 });

const started = await startPostgres();
const server = 'missing' in started ? null : started;
const VARIABLE = 'RESEAL_AUDIT_TEST_DATABASE';

describe.skipIf(server === null)('a copy of an audit chain in the ledger, with PostgreSQL', () => {
  const { url } = server as TestPostgres;
  let root: string;
  /** Who owns the table. */
  let owner: pg.Client;
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'reseal-audit-ledger-'));
    await (await openLedger({ kind: 'url', url })).close();
    owner = new pg.Client({ connectionString: url });
    owner.on('error', () => undefined);
    await owner.connect();
  });
  afterAll(async () => {
    await owner.end().catch(() => undefined);
    await server?.stop();
    rmSync(root, { recursive: true, force: true });
  });

  const pieces = (of = url) => new LedgerPieces(() => of);
  const setUp = async (records: number) => {
    const key = newKey();
    const options = chainOptions({ key: () => Promise.resolve(key), segmentBytes: 2_000 });
    const writer = await written(options, records);
    return { options, writer, chain: writer.head?.chain ?? '' };
  };
  const copied = async (writer: ChainWriter): Promise<void> => {
    const copies = await Copies.keep(writer, [{ copy: new PieceCopy('ledger', pieces()), whenDown: 'stop' }]);
    await writer.close();
    await copies.close();
  };
  const read = async (chain: string) => {
    const all = pieces();
    const found = (await all.all()).find((one) => one.chain === chain);
    if (found === undefined) throw new Error('there is no chain');
    const whole = await verifyItems(chain, found.items(), [], null);
    let lines = 0;
    for await (const item of found.items()) lines += item.where === '' ? 0 : 1;
    await all.close();
    return { records: whole.records, faults: faults(whole), lines };
  };
  const rows = async (chain: string) => {
    const { rows: found } = await owner.query<{ segment: number; at_byte: number; bytes: Buffer }>(
      'select segment, at_byte, bytes from audit_piece where chain = $1 order by segment, at_byte',
      [chain],
    );
    return found;
  };

  it('T4: has every line of the chain, also when the chain is taken up again, and is verified like it', async () => {
    const { writer, options, chain } = await setUp(30);
    await copied(writer);
    expect(await read(chain)).toEqual({ records: 31, faults: [], lines: linesIn(options.folder).length });
    await copied(await written(options, 5));
    expect(await read(chain)).toEqual({ records: 37, faults: [], lines: linesIn(options.folder).length });
  });

  it('grows by a row for what was recorded in some seconds, and not for each record', async () => {
    const { writer, chain } = await setUp(0);
    const copies = await Copies.keep(writer, [{ copy: new PieceCopy('ledger', pieces()), whenDown: 'stop' }]);
    for (let number = 0; number < 50; number++) await writer.append(intent('advanceHead', { number }));
    await writer.close();
    await copies.close();
    expect((await read(chain)).records).toBe(51);
    expect((await rows(chain)).length).toBeLessThan(20);
  });

  it('T4: a row that is changed, gone, out of its order, or gone at the end is named', async () => {
    const { writer, options, chain } = await setUp(12);
    await copied(writer);
    await copied(await written(options, 12));
    const all = await rows(chain);
    expect(all.length).toBeGreaterThan(2);
    const restore = async () => {
      await owner.query('delete from audit_piece where chain = $1', [chain]);
      for (const { segment, at_byte, bytes } of all)
        await owner.query('insert into audit_piece (chain, segment, at_byte, bytes) values ($1, $2, $3, $4)', [chain, segment, at_byte, bytes]); // prettier-ignore
    };
    const kinds = async () => new Set((await read(chain)).faults.map((fault) => fault.split(' ')[0]));
    const at = (position: number) => all.at(position) as (typeof all)[number];

    const changed = Buffer.from(at(1).bytes.toString().replace('"line":"ios-main"', '"line":"ios-mine"'));
    await owner.query('update audit_piece set bytes = $1 where chain = $2 and segment = $3', [changed, chain, at(1).segment]);
    expect(await kinds()).toContain('changed');
    await restore();
    await owner.query('delete from audit_piece where chain = $1 and segment = $2', [chain, at(1).segment]);
    expect(await kinds()).toContain('missing');
    await restore();
    await owner.query('update audit_piece set segment = 900000 where chain = $1 and segment = $2', [chain, at(1).segment]);
    expect(await kinds()).toContain('reordered');
    await restore();
    const last = at(-1);
    await owner.query('delete from audit_piece where chain = $1 and segment = $2 and at_byte = $3', [chain, last.segment, last.at_byte]);
    // Alone it may have been shorter. The chain knows better: what it lacks is brought over again.
    await new PieceCopy('ledger', pieces()).catchUp(options.folder);
    expect((await read(chain)).faults).toEqual([]);
    expect((await rows(chain)).map(({ bytes }) => bytes.toString()).join('')).toBe(all.map(({ bytes }) => bytes.toString()).join(''));
  });

  it('T4: a copy of something else than the chain lets nothing go forward: cut off, or put in its way', async () => {
    const { writer, options, chain } = await setUp(5);
    await copied(writer);
    const lines = linesIn(options.folder);
    overwrite(options.folder, lines.filter((line) => !line.startsWith('{"seal"')).slice(0, 3)); // prettier-ignore
    const cut = await written(options, 0);
    await expect(new PieceCopy('ledger', pieces()).catchUp(options.folder)).rejects.toMatchObject({ code: 'AUDIT_SINK_DOWN', message: expect.stringMatching(/verify both/) as string }); // prettier-ignore
    await cut.close();
    expect((await read(chain)).records).toBe(6);

    const fresh = await setUp(3);
    const copy = new PieceCopy('ledger', pieces());
    await copy.catchUp(fresh.options.folder);
    const end = (await rows(fresh.chain)).at(-1);
    const next = { segment: end?.segment ?? 0, at_byte: (end?.at_byte ?? 0) + (end?.bytes.length ?? 0) };
    await owner.query('insert into audit_piece (chain, segment, at_byte, bytes) values ($1, $2, $3, $4)', [fresh.chain, next.segment, next.at_byte, Buffer.from('{}\n')]); // prettier-ignore
    await fresh.writer.close();
    await expect(copy.catchUp(fresh.options.folder)).rejects.toThrow(/somebody has put something in the place of the row of/);
    await copy.close();
  });

  it('T4: an account that may only add and read adds and reads, and removes and changes nothing', async () => {
    await owner.query('create role writer login');
    await owner.query('grant select, insert on audit_piece to writer');
    const as = url.replace('reseal@', 'writer@');
    const { writer, options, chain } = await setUp(4);
    await writer.close();
    const copy = new PieceCopy('ledger', pieces(as));
    await copy.catchUp(options.folder);
    await copy.close();
    expect(await read(chain)).toMatchObject({ records: 5, faults: [] });
    const thief = new pg.Client({ connectionString: as });
    await thief.connect();
    for (const attempt of ["update audit_piece set bytes = ''", 'delete from audit_piece', 'truncate audit_piece'])
      await expect(thief.query(attempt)).rejects.toThrow(/permission denied/);
    await thief.end();
  });

  it('T4: what it lacks that was away it gets when it is back; until then nothing goes forward where it is required', async () => {
    const { writer, options, chain } = await setUp(2);
    const copies = await Copies.keep(writer, [{ copy: new PieceCopy('ledger', pieces()), whenDown: 'stop' }], 50);
    copies.mustBeOpen();
    await server?.crash();
    await writer.append(intent('returnHead'));
    await until(() => { try { copies.mustBeOpen(); return false; } catch { return true; } }, { what: 'trouble', timeout: 20_000 }); // prettier-ignore
    expect(() => { copies.mustBeOpen(); }).toThrow(/The copy ledger of the audit log in the ledger \(127\.0\.0\.1.* cannot be kept.*audit\.sinks\.ledger\.whenDown/s); // prettier-ignore
    for (let number = 0; number < 10; number++) await writer.append(intent('returnHead', { number }));
    await server?.restart();
    await until(() => { copies.mustBeOpen(); return true; }, { timeout: 20_000 }); // prettier-ignore
    await writer.close();
    await copies.close();
    expect(await read(chain)).toEqual({ records: 14, faults: [], lines: linesIn(options.folder).length });
    owner = new pg.Client({ connectionString: url });
    await owner.connect();
  });

  it('audit verify --sink reads it, against itself and the chain of this home; doctor says whether it can be had', async () => {
    const [config, home] = [join(root, 'config'), join(root, 'home')];
    cpSync(new URL('../configuration/example', import.meta.url).pathname, config, { recursive: true });
    const file = join(config, 'reseal.yaml');
    const declared = parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, stringify({ ...declared, database: `env:${VARIABLE}`, audit: { sinks: { book: { kind: 'ledger' } } } }));
    const env = { [VARIABLE]: url };
    const configuration = loadConfiguration(config);
    const store = await openDeclaredStore(configuration.reseal, Object.keys(configuration.reseal.stores)[0] ?? '', home);
    await store.create();
    await store.close();
    await owner.query('delete from audit_piece');
    const verify = (variables: NodeJS.ProcessEnv = env) =>
      reseal(['audit', 'verify', '--json', '--home', home, '--config', config, '--sink', 'book'], { cwd: root, env: variables });
    expect((await verify()).exit).toBe(2);
    const order = { line: 'ios-main', id: 'ios-main-1', ticket: 'CHG-1', expectedSeq: 1, to: 'b' };
    for (let time = 0; time < 2; time++) {
      const open = await openWorkerLog(home, configuration, env);
      await open.log.around({ name: 'advanceHead', attempt: 1, order }, () => Promise.resolve({ moved: true, seq: 2 }));
      await open.close();
    }
    const whole = await verify();
    expect(JSON.parse(whole.stdout)).toMatchObject({ verdict: 'whole', chains: [{ records: 6, anchoredUpTo: 6, findings: [] }] });
    expect(whole.exit).toBe(0);

    // The end is gone, the last record too: the home knows more.
    await owner.query('delete from audit_piece where (segment, at_byte) = (select segment, at_byte from audit_piece order by segment desc, at_byte desc limit 1)'); // prettier-ignore
    const cut = await verify();
    expect(cut.exit).toBe(1);
    const [chain] = (JSON.parse(cut.stdout) as AuditVerdictView).chains;
    expect(chain?.findings[0]).toMatchObject({
      fault: 'truncated',
      text: expect.stringContaining('knows the chain up to record 6') as string,
    });

    const unset = await verify({});
    expect([unset.exit, unset.stderr + unset.stdout]).toEqual([2, expect.stringContaining(VARIABLE)]);
    const sinks = async (variables: NodeJS.ProcessEnv) => (await checkSinks(configuration, variables)).map(({ verdict, reason }) => [verdict, reason]); // prettier-ignore
    expect(await sinks(env)).toEqual([['pass', expect.stringContaining('in the ledger')]]);
    expect(await sinks({ [VARIABLE]: 'postgres://reseal:hunter2@127.0.0.1:1/reseal' })).toEqual([
      ['away', expect.not.stringContaining('hunter2')],
    ]);
    writeFileSync(file, stringify({ ...declared, database: 'embedded', audit: { sinks: { book: { kind: 'ledger' } } } }));
    expect(() => loadConfiguration(config)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', details: [expect.stringMatching(/reseal\.yaml.*audit\.sinks\.book\.kind.*embedded/s)] })); // prettier-ignore
  });
});
