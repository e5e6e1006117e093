import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import type { ExportStatement } from '../../src/domain/exports/statement.js';
import { keychainOf } from '../../src/domain/node/identities.js';
import type { Sha1 } from '../../src/domain/brands.js';
import { draftExport, type Own } from '../../src/cli/export/say.js';
import { OneTimeKeys } from '../../src/identity/one-time-keys.js';
import { readPkcs12 } from '../../src/identity/pkcs12.js';
import { openSealedIdentity, openWith } from '../../src/identity/sealed.js';
import type { ExportListView, ExportTermsView, ExportView } from '../../src/presenters/export.js';
import { ROSTER, simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { auditFolder } from '../../src/temporal/audit/hold-chain.js';
import { RosterSchema } from '../../src/schema/roster.js';
import { canonicalBytes } from '../../src/statement/canonical.js';
import { ROOT } from '../cli/processes.js';
import { AgentProcesses, behindAgents } from '../e2e/agent-processes.js';
import { adoptRoster } from '../setup/adopted-roster.js';
import { hostsFolder } from '../setup/hosts-folder.js';
import { macTool } from '../setup/mac-tool.js';
import { makeSshKey, sshSign, type SshKey } from '../setup/ssh-keys.js';
import { receiveNotices, type NoticeReceiver } from '../setup/notices.js';
import { temporaryFolder } from '../setup/temporary-folder.js';
import { until } from '../setup/until.js';
import { rawEvents } from '../setup/workflow-payloads.js';
import { ServedMesh, type Answer } from './served-mesh.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const HOME = temporaryFolder('reseal-exporters');
const PEOPLE = ['ada', 'grace', 'rita', 'vera'] as const;
type Person = (typeof PEOPLE)[number];
const key = Object.fromEntries(PEOPLE.map((person) => [person, makeSshKey(HOME, person)])) as Record<Person, SshKey>;
const second = makeSshKey(HOME, 'ada-laptop');
const NODE = 'ams-sign-1';
/** Served by an agent in a process of its own. */
const AGENT = 'iad-sign-1';
const TICKET = 'CHG-7';

/** All that this process, API and worker in it, writes to its outputs. */
const logged: string[] = [];
for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write.bind(stream);
  vi.spyOn(stream, 'write').mockImplementation((...given: Parameters<typeof write>) => {
    logged.push(String(given[0]));
    return write(...given);
  });
}

let served: ServedMesh;
let agents: AgentProcesses;
let notices: NoticeReceiver;
let receiver: { readonly secret: string; readonly recipient: string; readonly file: string };
let identity: Sha1;

/** The commands of docs/exports.md, in their order. */
const GUIDE = [...readFileSync(join(ROOT, 'docs/exports.md'), 'utf8').matchAll(/^npx reseal (export .*)$/gm)].map(([, line = '']) =>
  [...line.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word),
);

/** One of them, of this identity and this export, signed by whom it names. */
function asTheGuideSays(words: readonly string[], id: string, out = '') {
  const person = words[words.indexOf('--as') + 1] as Person;
  const here = words.map((word) => {
    if (/^[0-9a-f]{40}$/.test(word)) return identity.toUpperCase();
    if (/^[0-9a-f]{8}-[0-9a-f]{8}$/.test(word)) return id;
    return word === 'distribution.age' ? out : word;
  });
  return served.reseal([...here, ...(words.includes('--as') ? ['--key', key[person].path] : [])], { env: { HOME } });
}

/** The roster from now on: vera keeps the safe, and fetches for it. */
function writeRoster(change: { readonly recipient?: string; readonly persons?: readonly Person[] } = {}): void {
  const keys: Record<Person, readonly SshKey[]> = { ada: [key.ada, second], grace: [key.grace], rita: [key.rita], vera: [key.vera] };
  const known = [...ROSTER.persons, { id: 'vera', name: 'Vera Lund', roles: ['approvers'], keys: [] }];
  const persons = known
    .filter(({ id }) => (change.persons ?? PEOPLE).includes(id as Person))
    .map((person) => ({ ...person, keys: keys[person.id as Person].map(({ line }) => ({ kind: 'ssh', public: line })) }));
  const roles = { ...ROSTER.roles, requesters: [...ROSTER.roles.requesters, 'export'] };
  const receivers = [{ id: 'safe', name: 'The safe', recipient: change.recipient ?? receiver.recipient, fetchedBy: ['vera'] }];
  writeFileSync(join(served.mesh.mesh.folders.config, 'roster.yaml'), stringify({ ...ROSTER, persons, roles, receivers }));
}

const reseal = (verb: string, ...argv: string[]) => served.reseal(['export', verb, ...argv], { env: { HOME } });
const as = (person: Person, ...more: string[]) => ['--as', person, '--ticket', TICKET, '--key', key[person].path, ...more];
const ask = (...more: string[]) =>
  reseal(
    'request',
    '--identity',
    identity,
    '--for',
    'safe',
    '--node',
    NODE,
    '--reason',
    'the safe needs a copy',
    ...as('rita'),
    '--json',
    ...more,
  );
const shownIn = ({ stdout }: { readonly stdout: string }): ExportView['export'] => (JSON.parse(stdout) as ExportView).export;
const show = async (id: string): Promise<ExportView['export']> => shownIn(await reseal('show', id, '--json'));
async function asked(...more: string[]): Promise<ExportView['export']> {
  const ran = await ask(...more);
  expect(ran.stderr).toBe('');
  return shownIn(ran);
}
const untilShown = (id: string, fits: (shown: ExportView['export']) => boolean, what: string): Promise<ExportView['export']> =>
  until(
    async () => {
      const shown = await show(id);
      return fits(shown) ? shown : null;
    },
    { what, timeout: 60_000 },
  );
const untilPhase = (id: string, phase: string): Promise<ExportView['export']> =>
  untilShown(id, (shown) => shown.phase === phase, `the export ${phase}`);
async function sealed(...more: string[]): Promise<ExportView['export']> {
  const { id } = await asked(...more);
  for (const person of ['ada', 'grace'] as const) expect(await reseal('approve', id, ...as(person))).toMatchObject({ exit: 0 });
  // On a slow machine its time may be over by then.
  return untilShown(id, (shown) => shown.sealed !== null, 'the export sealed');
}

/** What a person would say, by what is shown, and what is changed in it. */
const said = (shown: ExportView['export'], person: string, own: Own): ExportStatement =>
  draftExport(shown, { as: person, ticket: TICKET }, own, Date.now());
const signedBy = (who: SshKey, statement: object) => ({
  statement,
  signature: sshSign(who, canonicalBytes(statement), 'reseal-approval-v1'),
});
const send = (id: string, verb: string, body: object): Promise<Answer> => served.post(`/v1/exports/${id}/${verb}`, body);

const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)).filter((path) => lstatSync(path).isFile()); // prettier-ignore
const macFile = (name: string, node = NODE): string => join(served.mesh.home(node), name);
const security = (...args: string[]): string =>
  execFileSync(macFile('bin/security'), args, { encoding: 'utf8', stdio: 'pipe', env: { ...process.env, HOME: served.mesh.home(NODE) } });
/** pkcs8ShroudedKeyBag (RFC 7292, 4.2), in DER: what a PKCS#12 has where its key is. */
const KEY_BAG = Buffer.from('060b2a864886f70d010c0a0102', 'hex').toString('latin1');
/** Whether a file holds a private key, or PKCS#12 of whatever form. */
const isKey = (path: string): boolean => {
  const text = readFileSync(path, 'latin1');
  return text.includes(KEY_BAG) || /PRIVATE KEY|BEGIN PKCS12/.test(text) || /\.(?:p12|pfx)$/.test(path);
};
/** Of the node, but for the simulated keychains themselves. */
const plaintextOn = (node = NODE): readonly string[] => {
  const keys = filesBelow(served.mesh.home(node)).filter(isKey);
  expect(keys.filter((path) => path.includes('/.mac/secrets/'))).toHaveLength(1);
  return keys.filter((path) => !path.includes('/.mac/secrets/'));
};

/** The node's `security`, with something in its way; answers how to mend it. */
function tampered(script: (own: string) => string, node = NODE): () => void {
  const program = macFile('bin/security', node);
  renameSync(program, `${program}.own`);
  writeFileSync(program, `#!/bin/sh\n${script(`${program}.own`)}`);
  chmodSync(program, 0o755);
  return () => renameSync(`${program}.own`, program);
}

beforeAll(async () => {
  notices = await receiveNotices();
  served = await ServedMesh.start({
    folder: mkdtempSync(join(hostsFolder(), 'exports-')),
    nodes: simulatedNodes(2),
    macs: { tool: await macTool() },
    policy: { exports: { approveWithin: '1h', fetchWithin: '1h' } },
    changed: async (mesh) => {
      await behindAgents(mesh, (node) => node === AGENT);
      const path = join(mesh.folders.config, 'reseal.yaml');
      writeFileSync(join(mesh.folders.config, 'webhook.secret'), 'of the receiver', { mode: 0o600 });
      const notify = { webhooks: [{ url: notices.url, secretFile: 'webhook.secret' }] };
      writeFileSync(path, stringify({ ...(parse(readFileSync(path, 'utf8')) as object), notify }));
    },
  });
  agents = new AgentProcesses(served.mesh);
  const secret = await generateX25519Identity();
  receiver = { secret, recipient: await identityToRecipient(secret), file: join(HOME, 'safe.key') };
  writeFileSync(receiver.file, `# the safe's\n${secret}\n`, { mode: 0o600 });
  identity = served.mesh.mesh.certificate.sha1;
  writeRoster();
}); // prettier-ignore
afterAll(async () => {
  await agents.stopAll();
  await served.stop();
  await notices.stop();
});

it('docs/exports.md shows a roster that holds', () => {
  const [, shown = ''] = /^```yaml\n([\s\S]*?)^```$/m.exec(readFileSync(join(ROOT, 'docs/exports.md'), 'utf8')) ?? [];
  const roster = RosterSchema.parse({
    schemaVersion: 1,
    ...(parse(shown.replaceAll('AAAA…', key.ada.line.split(' ')[1] ?? '')) as object),
  });
  expect(roster.receivers?.[0]).toMatchObject({ id: 'safe', fetchedBy: ['vera'] });
});

describe('an export that two approve (S6)', () => {
  it('is sealed to its receiver, fetched once, and opens with their key alone', async () => {
    expect(GUIDE.map((words) => words[1])).toEqual(['request', 'show', 'approve', 'approve', 'list', 'fetch']);
    const [request, look, first, second, list, fetch] = GUIDE as [string[], string[], string[], string[], string[], string[]];
    const asking = await asTheGuideSays(request, '');
    expect(asking).toMatchObject({ exit: 0 });
    expect(asking.stderr).toContain('says      ask for the export of a private key (export-request)');
    expect(asking.stderr).toContain(`for       safe, sealed to ${receiver.recipient}`);
    const id = /^(\S+) is requested/.exec(asking.stdout)?.[1] ?? '';
    const approved = await asTheGuideSays(first, id);
    expect(approved).toMatchObject({ exit: 0 });
    expect(approved.stderr).toContain(`identity  ${identity}`);
    expect((await show(id)).approvals.map(({ person, key: by }) => [person, by])).toEqual([['ada', key.ada.fingerprint]]);
    for (const words of [look, list, second]) expect(await asTheGuideSays(words, id)).toMatchObject({ exit: 0 });
    const shown = await untilPhase(id, 'sealed');
    expect(plaintextOn()).toEqual([]);

    const out = join(HOME, 'exported.age');
    const fetched = await asTheGuideSays([...fetch, '--identity-file', receiver.file, '--json'], id, out);
    expect(fetched).toMatchObject({ exit: 0, stderr: '' });
    // No secret is printed.
    expect(fetched.stdout).not.toContain(readFileSync(`${out}.password`, 'utf8').trim());
    expect(statSync(out).mode & 0o777).toBe(0o600);
    const opened = await openSealedIdentity(readFileSync(out), receiver.secret, identity);
    expect(readFileSync(`${out}.p12`).equals(Buffer.from(opened.pkcs12))).toBe(true);
    const { facts } = readPkcs12(readFileSync(`${out}.p12`), readFileSync(`${out}.password`, 'utf8').trim(), 'exported');
    expect(facts).toMatchObject({ sha1: identity, serial: shown.binds.serial });

    const again = await reseal('fetch', id, ...as('vera'), '--out', join(HOME, 'again.age'));
    expect(again).toMatchObject({ exit: 4, stdout: '' });
    expect(again.stderr).toContain(`An export is fetched once, and vera has fetched ${id}.`);
    expect(existsSync(join(HOME, 'again.age'))).toBe(false);
    // Nor by anybody who leaves the command line out.
    const own = { says: 'export-fetch', export: id, request: shown.binds.request, sealed: shown.sealed?.sha256 } as const;
    expect((await send(id, 'fetch', signedBy(key.vera, said(shown, 'vera', own)))).body.error).toMatchObject({ code: 'ALREADY_DECIDED' });

    // Approvers have heard of it, then whoever fetches it, then all of them how it ended.
    const told = await until(() => notices.heard.length >= 3 && notices.heard, { what: 'three notices' });
    const what = `${id}: rita asks for identity ${identity.slice(0, 8)} of ${NODE}, private key included, for safe (${TICKET})`;
    expect(told.map(({ event, text, audience }) => [event, text, audience])).toEqual([
      ['export', `${what}: escrow for the audit. It needs 2 approvals; see reseal export show ${id}`, ['ada', 'grace']],
      ['export', `${what}: it is sealed and can be fetched once, reseal export fetch ${id}`, ['rita', 'vera']],
      ['export', `${what}. It is fetched: handed out to vera for safe`, ['rita', 'vera', 'ada', 'grace']],
    ]);
  });

  it('leaves a copy in the store that the receiver cannot open once it was fetched, and no one-time key', async () => {
    const { exports } = JSON.parse((await reseal('list', '--json')).stdout) as ExportListView;
    const [{ id, sealed: where, record }] = exports as [ExportView['export']];
    const store = served.mesh.around.store('main');
    const document = (await store.frozen(where?.document as never)) as { sealed: string };
    expect(await openWith(receiver.secret, Buffer.from(document.sealed, 'base64'))).toBeNull();
    expect(await new OneTimeKeys(served.desk.home).list()).toEqual([]);
    // What became of it stays in the store with every word that counted.
    const closing = (await store.frozen(record as never)) as { status: { phase: string }; words: { statement: ExportStatement }[] };
    expect(closing.status.phase).toBe('fetched');
    expect(closing.words.map(({ statement }) => `${statement.says} ${statement.person}`)).toEqual([
      ...['export-request rita', 'export-approve ada', 'export-approve grace', 'export-fetch vera'],
    ]);
    expect((await served.mesh.ledger.keyExport(id))?.phase).toBe('fetched');
  });

  it('is in the audit log before it is done and after, and in the journal of the node; no secret is in either, in any history, or in what is logged (T1, T4)', async () => {
    const chains = filesBelow(auditFolder(served.mesh.mesh.folders.root)).filter((path) => path.endsWith('.jsonl'));
    const lines = chains.flatMap((path) => readFileSync(path, 'utf8').split('\n').filter(Boolean));
    const records = lines.map((line) => JSON.parse(line) as { kind: string; effect?: string; facts?: Record<string, unknown> });
    const ofExport = records.filter(({ effect }) => effect === 'exportIdentity');
    expect(ofExport.map(({ kind }) => kind)).toEqual(['intent', 'result']);
    // The order before it is on the record too: a node's own agent has no chain.
    expect(records.map(({ effect }) => effect).filter((effect) => /Export|^export/.test(effect ?? ''))).toEqual(
      ['orderExport', 'exportIdentity', 'keepExport', 'closeExport'].flatMap((effect) => [effect, effect]),
    );
    expect(ofExport[0]?.facts).toMatchObject({ node: NODE, identity, receiver: 'safe', by: 'rita', ticket: TICKET, approvedBy: ['ada', 'grace'] });
    const journal = readFileSync(macFile('usr/local/var/reseal/state/journal'), 'utf8');
    expect(journal.match(/export-identity/g)).toHaveLength(2);
    const password = readFileSync(join(HOME, 'exported.age.password'), 'utf8').trim();
    const keychain = readFileSync(macFile('.config/reseal/keychain-password'), 'utf8').trim();
    const events = (await rawEvents(served.desk.client)).map(({ bytes }) => bytes.toString('latin1')).join('\n');
    expect(events).toContain('exportIdentity');
    for (const secret of [password, keychain, receiver.secret, 'PRIVATE KEY', 'BEGIN PKCS12'])
      for (const place of [events, lines.join('\n'), journal, logged.join('')]) expect(place).not.toContain(secret);
  });
}); // prettier-ignore

describe('whose word does not count (T2)', () => {
  let shown: ExportView['export'];
  const approve = (person: string, change: object = {}) => said(shown, person, { says: 'export-approve', binds: { ...shown.binds, ...change } });
  const refusals = async (body: object, verb = 'approve') => (await send(shown.id, verb, body)).body.error;

  beforeAll(async () => {
    shown = await asked();
  });

  it('the requester, who has the right to approve', async () => {
    expect(await refusals(signedBy(key.rita, approve('rita')))).toMatchObject({
      code: 'NOT_ENTITLED',
      message: 'The requester does not decide: rita asked for this export.',
    });
  });

  it('whoever fetches for the receiver', async () => {
    expect(await refusals(signedBy(key.vera, approve('vera')))).toMatchObject({ code: 'NOT_ENTITLED' });
  });

  it('one person with two keys, a second time', async () => {
    expect((await send(shown.id, 'approve', signedBy(key.ada, approve('ada')))).status).toBe(200);
    expect(await refusals(signedBy(second, approve('ada')))).toMatchObject({ code: 'ALREADY_DECIDED' });
    expect(await show(shown.id)).toMatchObject({ phase: 'requested', approvals: [{ person: 'ada' }] });
  });

  it('a name alone, another person, and a key that is nobody\'s', async () => {
    expect(await refusals({ statement: approve('grace'), signature: null })).toMatchObject({ code: 'SIGNATURE_NEEDED' });
    expect(await refusals(signedBy(key.vera, approve('grace')))).toMatchObject({ code: 'SIGNATURE_REFUSED' });
  });

  it.each<[string, object]>([
    ['another identity', { identity: 'a'.repeat(40) }],
    ['another receiver', { receiver: 'mallory' }],
    ["another key of the receiver's", { recipient: `age1${'q'.repeat(58)}` }],
    ['another node', { node: 'iad-sign-1' }],
    ['more time', { fetchWithin: 86_400_000 }],
    ['another request', { request: 'b'.repeat(64) }],
    ['another roster', { roster: 'c'.repeat(64) }],
    ['another requester', { requestedBy: 'ada' }],
  ])('an approval of %s, though rightly signed', async (_, change) => {
    expect(await refusals(signedBy(key.grace, approve('grace', change)))).toMatchObject({ code: 'STATEMENT_REFUSED' });
  });

  it('an approval of another request, played again, and one that was taken back', async () => {
    const old = signedBy(key.grace, approve('grace'));
    const other = await asked();
    expect((await send(other.id, 'approve', old)).body.error).toMatchObject({ code: 'STATEMENT_REFUSED' });
    await reseal('withdraw', shown.id, ...as('ada'));
    expect((await show(shown.id)).approvals).toEqual([]);
    expect(await reseal('withdraw', other.id, ...as('rita'))).toMatchObject({ exit: 0 });
    expect(await show(other.id)).toMatchObject({ phase: 'withdrawn', open: false });
    const ended = await reseal('approve', other.id, ...as('grace'));
    expect(ended).toMatchObject({ exit: 4 });
    expect(ended.stderr).toContain('withdrawn by rita, who asked for it');
  });

  it('a request that is sent again is the same one', async () => {
    const terms = (await served.get(`/v1/exports/terms?identity=${identity}&receiver=safe&node=${NODE}`)).body as unknown as ExportTermsView;
    const request = signedBy(key.rita, draftExport(terms, { as: 'rita', ticket: TICKET }, { says: 'export-request', asks: { ...terms.asks, reason: 'again' } }, Date.now()));
    expect((await served.post('/v1/exports', request)).status).toBe(201);
    expect((await served.post('/v1/exports', request)).body.error).toMatchObject({ code: 'ALREADY_DECIDED' });
  });

  it('of somebody who was taken off the roster meanwhile', async () => {
    expect((await send(shown.id, 'approve', signedBy(key.ada, approve('ada')))).status).toBe(200);
    writeRoster({ persons: ['grace', 'rita', 'vera'] });
    expect((await send(shown.id, 'approve', signedBy(key.grace, approve('grace')))).body).toMatchObject({ export: { phase: 'requested', approvals: [{ person: 'grace' }] } });
    writeRoster();
    expect(await reseal('reject', shown.id, ...as('ada'), '--reason', 'not this week')).toMatchObject({ exit: 0 });
    const rejected = await untilShown(shown.id, ({ record }) => record !== null, 'the closing record');
    expect(rejected).toMatchObject({ phase: 'rejected', ended: { by: 'ada', reason: 'not this week' } });
    // A signature that was another's is on the record, with what was sent.
    const { refused } = (await served.mesh.around.store('main').frozen(rejected.record as never)) as { refused: { statement: { person: string }; reason: string }[] };
    expect(refused.map(({ statement: { person }, reason }) => [person, reason])).toEqual([['grace', expect.stringContaining(key.vera.fingerprint)]]);
  });
}); // prettier-ignore

describe('what is refused before anybody approves', () => {
  const refusal = async (...argv: string[]) => {
    const ran = await reseal('request', '--identity', identity, '--reason', 'x', ...as('rita'), ...argv);
    return [ran.exit, ran.stderr] as const;
  };

  it('a receiver whom nobody declared, an identity that no manifest names, a node that is not named among several', async () => {
    expect(await refusal('--for', 'mallory')).toEqual([2, expect.stringContaining('roster.yaml has no receiver mallory: it declares safe.')]);
    expect(await refusal('--for', 'safe')).toEqual([2, expect.stringContaining('Say which of them is to export it with --node NODE.')]);
    expect(await refusal('--for', 'safe', '--identity', 'f'.repeat(40))).toEqual([2, expect.stringContaining('No manifest in force signs with')]);
    expect(await refusal('--for', 'safe', '--node', NODE, '--fetch-within', '8d')).toEqual([2, expect.stringContaining('exports.longest')]);
  });

  it('a request of somebody who may not ask, or under no ticket', async () => {
    const request = (person: Person, ticket: string) =>
      reseal('request', '--identity', identity, '--for', 'safe', '--node', NODE, '--reason', 'x', '--as', person, '--ticket', ticket, '--key', key[person].path);
    expect((await request('ada', TICKET)).stderr).toContain('The roster does not let ada ask for an export');
    expect(await request('rita', 'soon')).toMatchObject({ exit: 4, stderr: expect.stringContaining('is no ticket id') as string });
  });
}); // prettier-ignore

describe('what ends without being fetched', () => {
  it('what nobody approves in time, and what nobody fetches in time, whose one-time key is gone then', async () => {
    served.mesh.changePolicy({ exports: { approveWithin: '1s', fetchWithin: '1h' } });
    const { id } = await asked();
    await untilPhase(id, 'expired');
    served.mesh.changePolicy({ exports: { approveWithin: '1h', fetchWithin: '1h' } });
    const late = await sealed('--fetch-within', '1s');
    await untilPhase(late.id, 'expired');
    const out = join(HOME, 'late.age');
    const fetch = await reseal('fetch', late.id, ...as('vera'), '--out', out);
    expect(fetch).toMatchObject({ exit: 4, stdout: '' });
    const own = { says: 'export-fetch', export: late.id, request: late.binds.request, sealed: late.sealed?.sha256 } as const;
    expect((await send(late.id, 'fetch', signedBy(key.vera, said(late, 'vera', own)))).body.error).toMatchObject({ code: 'ILLEGAL_COMMAND' });
    expect((await new OneTimeKeys(served.desk.home).list()).map(({ id: kept }) => kept)).not.toContain(late.id);
    expect(existsSync(out)).toBe(false);
  });

  it('fetched by somebody else, with another key, over a file that is there: nothing is handed out, and it stays to be fetched', async () => {
    const { id } = await sealed();
    const out = join(HOME, 'exported.age');
    expect((await reseal('fetch', id, ...as('ada'), '--out', join(HOME, 'x.age'))).stderr).toContain('Only vera may fetch what is sealed to safe');
    expect((await reseal('fetch', id, ...as('vera'), '--out', out)).stderr).toContain(`${out} is there already`);
    writeFileSync(join(HOME, 'other.key'), `${await generateX25519Identity()}\n`);
    const other = await reseal('fetch', id, ...as('vera'), '--out', join(HOME, 'x.age'), '--identity-file', join(HOME, 'other.key'));
    expect(other.stderr).toContain('Nothing was fetched.');
    expect(existsSync(join(HOME, 'x.age'))).toBe(false);
    expect((await show(id)).phase).toBe('sealed');
    expect(await reseal('reject', id, ...as('grace'))).toMatchObject({ exit: 0 });
    expect((await new OneTimeKeys(served.desk.home).list()).map(({ id: kept }) => kept)).not.toContain(id);
  });

  it("what the receiver's key was changed for after it was asked for: the node looks by itself, and exports nothing", async () => {
    const { id } = await asked();
    await reseal('approve', id, ...as('ada'));
    writeRoster({ recipient: await identityToRecipient(await generateX25519Identity()) });
    await reseal('approve', id, ...as('grace'));
    const failed = await untilPhase(id, 'failed');
    expect(failed.ended?.reason).toContain('the roster here has another key for safe');
    writeRoster();
  });

  it('another identity than was approved, out of the keychain of a node that lies: nothing is sealed, and nothing stays there', async () => {
    const other = await served.mesh.mesh.apple.issueCertificate({ commonName: 'Apple Distribution: Mallory', team: '9QK4T7XW2B', notBefore: new Date(0), notAfter: new Date('2090-01-01') });
    const { legacyPkcs12 } = await import('../../src/identity/pkcs12.js');
    const file = join(HOME, 'other.pem');
    const argv = join(HOME, 'argv');
    const mend = tampered((own) => `printf '%s\\n' "$*" >>'${argv}'
[ "$*" = -i ] || exec '${own}' "$@"
IFS= read -r line
case $line in
  '"export"'*)
    password=\${line##*'"-P" "'}
    printf '%s' "\${password%'"'}" >'${file}.password'
    while [ ! -s '${file}' ]; do sleep 0.05; done
    cat '${file}' ;;
  *) printf '%s\\n' "$line" | '${own}' -i ;;
esac
`);
    const { id } = await asked();
    for (const person of ['ada', 'grace'] as const) await reseal('approve', id, ...as(person));
    await until(() => existsSync(`${file}.password`), { what: 'the export on the node' });
    const password = readFileSync(`${file}.password`, 'utf8');
    expect(password).toMatch(/^[0-9a-f]{48}$/);
    const p12 = legacyPkcs12(other, password);
    writeFileSync(file, `-----BEGIN PKCS12-----\n${Buffer.from(p12).toString('base64')}\n-----END PKCS12-----\n`);
    const failed = await untilPhase(id, 'failed');
    mend();
    expect(failed).toMatchObject({ sealed: null });
    expect(failed.ended?.reason).toContain(`is the identity ${other.sha1.slice(0, 8)}`);
    expect(failed.ended?.reason).not.toContain(password);
    // It was on stdin, and in no argument.
    expect(readFileSync(argv, 'utf8').split('\n')).toContain('-i');
    expect(readFileSync(argv, 'utf8')).not.toContain(password);
    expect(plaintextOn()).toEqual([]);
  });

  it('the program killed while it exports: it fails in words, the keychain that was locked is locked, and nothing stays on the node', async () => {
    const keychain = keychainOf(identity);
    security('lock-keychain', keychain);
    const mend = tampered((own) => `[ "$*" = -i ] || exec '${own}' "$@"
IFS= read -r line
case $line in
  '"export"'*) printf '%s\\n' "$line" | '${own}' -i >/dev/null; kill -9 $$ ;;
  *) printf '%s\\n' "$line" | '${own}' -i ;;
esac
`);
    const { id } = await asked();
    for (const person of ['ada', 'grace'] as const) await reseal('approve', id, ...as(person));
    const failed = await untilPhase(id, 'failed');
    mend();
    expect(failed.ended?.reason).toContain(`keychain ${keychain}: cannot export its identity`);
    expect(() => security('show-keychain-info', keychain)).toThrow('User interaction is not allowed');
    expect(plaintextOn()).toEqual([]);
    // Whole again, it is opened for the export, and closed after it.
    const done = await sealed();
    const isOpen = (): boolean => spawnSync(macFile('bin/security'), ['show-keychain-info', keychain]).status === 0;
    expect(isOpen()).toBe(false);
    await reseal('withdraw', done.id, ...as('rita'));
    // As an attempt leaves it that was killed with the worker: opened, with a note of which export it was.
    const note = macFile(`usr/local/var/reseal/state/keychains/${identity}.opened`);
    const password = readFileSync(macFile('.config/reseal/keychain-password'), 'utf8').trim();
    security('unlock-keychain', '-p', password, keychain);
    const cutOff = await asked();
    writeFileSync(note, `${cutOff.id}\n`);
    for (const person of ['ada', 'grace'] as const) await reseal('approve', cutOff.id, ...as(person));
    await untilShown(cutOff.id, (shown) => shown.sealed !== null, 'the export sealed');
    expect([isOpen(), existsSync(note)]).toEqual([false, false]);
    await reseal('withdraw', cutOff.id, ...as('rita'));
    // One that was open stays so.
    security('unlock-keychain', '-p', password, keychain);
    writeFileSync(note, `${cutOff.id}\n`);
    await reseal('withdraw', (await sealed()).id, ...as('rita'));
    expect(isOpen()).toBe(true);
  });
}); // prettier-ignore

describe('on a Mac with an agent', () => {
  it('the agent killed in the middle leaves nothing there; the next one seals, and locks the keychain again', async () => {
    const keychain = keychainOf(identity);
    const at = (...args: string[]) =>
      spawnSync(macFile('bin/security', AGENT), args, { env: { ...process.env, HOME: served.mesh.home(AGENT) }, encoding: 'utf8' });
    await agents.start(AGENT);
    at('lock-keychain', keychain);
    const [held, go] = [join(HOME, 'held'), join(HOME, 'go')];
    const mend = tampered(
      (own) => `[ "$*" = -i ] || exec '${own}' "$@"
IFS= read -r line
printf '%s\\n' "$line" | '${own}' -i
case $line in '"export"'*) touch '${held}'; while [ ! -e '${go}' ]; do sleep 0.05; done ;; esac
`,
      AGENT,
    );
    const { id } = await asked('--node', AGENT);
    for (const person of ['ada', 'grace'] as const) await reseal('approve', id, ...as(person));
    await until(() => existsSync(held), { what: 'the export in the middle', timeout: 30_000 });
    await agents.stopAll();
    expect(at('show-keychain-info', keychain).status).toBe(0);
    expect(plaintextOn(AGENT)).toEqual([]);
    writeFileSync(go, '');
    mend();
    await agents.start(AGENT);
    const shown = await untilShown(id, ({ phase }) => phase !== 'approved', 'the next attempt');
    expect(shown).toMatchObject({ phase: 'sealed', binds: { node: AGENT } });
    expect(at('show-keychain-info', keychain).status).toBe(36);
    expect(plaintextOn(AGENT)).toEqual([]);
    const out = join(HOME, 'agent.age');
    expect(await reseal('fetch', id, ...as('vera'), '--out', out)).toMatchObject({ exit: 0 });
    expect((await openSealedIdentity(readFileSync(out), receiver.secret, identity)).password).toMatch(/^[0-9a-f]{48}$/);
    expect(agents.logs()).not.toMatch(/[0-9a-f]{48}|PKCS12|PRIVATE KEY/);
  });
});

describe('under a roster that its last editor alone has adopted, or that was edited since (T2)', () => {
  const adopted = (...signers: readonly Person[]): Promise<void> =>
    adoptRoster(served.mesh.around, 'main', Object.fromEntries(signers.map((person) => [person, key[person]])));

  it('no key leaves: two made-up approvers and a receiver of their own are as far from one as anybody', async () => {
    await adopted('ada');
    expect(await ask()).toMatchObject({
      exit: 4,
      stdout: expect.stringMatching(
        /No key leaves under this roster yet: ada adopted roster 1 alone, at .*Have a second person adopt it/,
      ) as unknown,
    });
    await adopted('ada', 'grace');
    writeRoster({ recipient: await identityToRecipient(await generateX25519Identity()) });
    expect(await ask()).toMatchObject({
      exit: 4,
      stdout: expect.stringMatching(
        /No key leaves under this roster: ROSTER_NOT_ADOPTED: roster\.yaml has changed since ada and grace adopted roster 1/,
      ) as unknown,
    });
    writeRoster();
    expect((await asked()).phase).toBe('requested');
  });
});
