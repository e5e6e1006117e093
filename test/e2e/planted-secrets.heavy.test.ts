import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import type { RunningHttp } from '../../src/api/listen.js';
import { createApi, listen } from '../../src/api/server.js';
import { newToken } from '../../src/api/token.js';
import { run } from '../../src/cli/main.js';
import { nodeAudience } from '../../src/domain/codec/audience.js';
import type { NodeName } from '../../src/domain/brands.js';
import type { Phase } from '../../src/domain/rotation/phases.js';
import type { RotationStatus } from '../../src/domain/rotation/status.js';
import { enroll } from '../../src/identity/enrolled-keys.js';
import { parseManifest } from '../../src/manifest/parse.js';
import { legacyPkcs12 } from '../../src/identity/pkcs12.js';
import { pinKeys } from '../../src/identity/pinned-keys.js';
import { openSealedIdentity, recipientOf } from '../../src/identity/sealed.js';
import type { SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { newMachineKey, readMachineKey } from '../../src/statement/machine-key.js';
import { encryptingCodec, keyIdOf } from '../../src/temporal/codec/encryption.js';
import { keysText, newRootKey } from '../../src/temporal/codec/key-file.js';
import { controlRing, handedOut, ringOf } from '../../src/temporal/codec/key-ring.js';
import { TestMatchRepository } from '../profile-source/match-repository.js';
import { hostsFolder } from '../setup/hosts-folder.js';
import { macTool } from '../setup/mac-tool.js';
import { sshdMissing, type TestHost } from '../setup/sshd.js';
import { until } from '../setup/until.js';
import { payloadsIn, rawEvents } from '../setup/workflow-payloads.js';
import { AgentProcesses, behindAgents } from './agent-processes.js';
import { behindSsh } from './behind-ssh.js';
import { activeManifests } from './node-truth.js';
import { OwnServer } from './own-server.js';
import { RotatingMesh } from './rotating-mesh.js';
import { bytesSigns, filesBelow, inBase64, keySigns, ProcessList, withoutBreaks } from './secret-search.js';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 300_000 });

/** Every line, down to the least important, that worker and agent log: the product's own logs have errors alone. */
const log = vi.hoisted(() => (process.env['RESEAL_TEST_LOG'] = `${process.env['TMPDIR'] ?? '/tmp'}/reseal-planted-log-${process.pid}`));

const BEHIND_AGENT = 'bom-sign-1';
const BEHIND_SSH = 'iad-sign-1';
const NODES = simulatedNodes(6);
const SIGNERS = NODES.filter((node) => node.roles.includes('signer')).map((node) => node.name);
const random = (): string => randomBytes(18).toString('base64url');

/** What people and programs of this installation know, and where it lies. */
const root = newRootKey('active', Date.now());
const orderKey = newMachineKey();
const appleKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const planted = {
  match: `match-${random()}`,
  webhook: `webhook-${random()}`,
  pkcs12: `pkcs12-${random()}`,
  bucket: `bucket-${random()}`,
  token: newToken(),
  wrongToken: newToken(),
};

/** App Store Connect knows nobody, the webhook fails every other time, the bucket always. */
const statusOf = (path: string, asked: number): number => (path.startsWith('/v1/') ? 401 : path === '/hook' && asked % 2 === 0 ? 200 : 500);

/** An App Store Connect, a webhook and a bucket that repeat all that they are sent, and do nothing. */
async function parrotServer(): Promise<{ readonly url: string; readonly heard: string[]; readonly server: Server }> {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('latin1');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const detail = `${request.method} ${request.url} ${JSON.stringify(request.headers)} ${body}`;
      heard.push(detail);
      const answer = JSON.stringify({ errors: [{ status: '401', code: 'NOT_AUTHORIZED', title: detail, detail }] });
      response.writeHead(statusOf(request.url ?? '', heard.length), { 'content-type': 'application/json' }).end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard, server };
}

/** Puts a program before a Mac's own one that, asked for what `parrot` names, fails and repeats all that it was given and all that it can read. */
function installParrot(home: string, name: string): void {
  const program = join(home, 'bin', name);
  renameSync(program, `${program}.own`);
  writeFileSync(
    program,
    `#!/bin/sh
case " $* " in *' -i '*) input=$(cat) ;; *) input= ;; esac
if [ -f '${home}/parrot' ]; then
  pattern=$(cat '${home}/parrot')
  case "${name} $* $input" in
    *"$pattern"*)
      echo '${name}' >> '${home}/parrot.spoke'
      { echo "${name}: $* $input"; cat '${home}/.config/reseal/keychain-password'; env; } | tee /dev/stderr
      exit 1 ;;
  esac
fi
case " $* " in *' -i '*) printf '%s\\n' "$input" | '${program}.own' "$@" ;; *) exec '${program}.own' "$@" ;; esac
`,
    { mode: 0o755 },
  );
}

const stateOf = (mesh: SimulatedMesh, node: string): string => join(mesh.folders.nodes, node, 'usr/local/var/reseal/state');
function edit(mesh: SimulatedMesh, file: string, change: (document: Record<string, never>) => object): void {
  const path = join(mesh.folders.config, file);
  writeFileSync(path, stringify(change(parse(readFileSync(path, 'utf8')) as Record<string, never>)));
}

describe.skipIf(sshdMissing !== null)(
  `an installation with a secret in every place${sshdMissing === null ? '' : ` (${sshdMissing})`}`,
  () => {
    let folder: string;
    let server: OwnServer;
    let mesh: RotatingMesh;
    let agents: AgentProcesses;
    let match: TestMatchRepository;
    let parrots: Awaited<ReturnType<typeof parrotServer>>;
    let api: RunningHttp;
    let processes: ProcessList;
    const hosts: TestHost[] = [];
    /** What the command line has printed, and what the API has answered. */
    const told: string[] = [];

    beforeAll(async () => {
      process.env['AWS_ACCESS_KEY_ID'] = 'AKIAPLANTED';
      process.env['AWS_SECRET_ACCESS_KEY'] = planted.bucket;
      folder = mkdtempSync(join(hostsFolder(), 'planted-'));
      server = await OwnServer.start();
      match = new TestMatchRepository();
      parrots = await parrotServer();
      mesh = await RotatingMesh.start({
        folder,
        temporal: server.temporal,
        nodes: NODES,
        successors: 'new-certificate',
        macs: { tool: await macTool() },
        policy: {
          cohorts: { canary: { perImage: 1, share: '5%' }, waves: ['50%', '50%'], maxUnavailable: 1, stallTimeout: '30s' },
          soak: { duration: '4s', interval: '300ms', floor: '0s' },
          limits: { stepNodes: 100, activitiesPerSecond: 1000, nodeOperationTimeout: '60s', nodeOfflineAfter: '20s' },
        },
        changed: async (created) => {
          await behindSsh(created, hosts, {}, (name) => name === BEHIND_SSH);
          await behindAgents(created, (name) => name === BEHIND_AGENT);
          await declare(created);
        },
      });
      // What a team with another passphrase keeps there.
      const store = mesh.around.store('main');
      for (const { bundleId, profile } of parseManifest(await store.manifest(mesh.mesh.manifest), 'manifest').profiles)
        await match.pushProfile(`profiles/appstore/AppStore_${bundleId}.mobileprovision`, await store.profile(profile.sha256));
      for (const node of SIGNERS) for (const name of ['security', 'codesign']) installParrot(mesh.home(node), name);
      agents = new AgentProcesses(mesh);
      await agents.start(BEHIND_AGENT);
      const desk = {
        client: mesh.temporal.client,
        ledger: mesh.ledger,
        around: mesh.around,
        taskQueue: mesh.taskQueue,
        home: mesh.mesh.folders.root,
      };
      api = await listen(createApi({ desk, token: planted.token }), '127.0.0.1:0');
      processes = new ProcessList();
    });
    afterAll(async () => {
      processes.stop();
      await api.stop();
      await agents.stopAll();
      await mesh.stop();
      await server.stop();
      for (const host of hosts) await host.stop();
      parrots.server.close();
      parrots.server.closeAllConnections();
      match.dispose();
      rmSync(folder, { recursive: true, force: true });
      rmSync(log, { force: true });
    });

    /** Keys of codec, orders and a node; sources, a webhook and a copy of the audit log that are away, and repeat what they are told. */
    async function declare(created: SimulatedMesh): Promise<void> {
      const put = (name: string, text: string): void => writeFileSync(join(created.folders.config, name), text, { mode: 0o600 });
      put('control.json', keysText([root]));
      put('nodes.json', keysText(handedOut(nodeAudience(BEHIND_AGENT), [root])));
      put('order.key', orderKey);
      put('match.passphrase', `${planted.match}\n`);
      put('apple.p8', appleKey);
      put('webhook.secret', planted.webhook);
      await pinKeys(stateOf(created, BEHIND_AGENT), [readMachineKey(orderKey, 'the installation’s', 'reseal order-key new').line]);
      const { key } = await enroll(stateOf(created, BEHIND_AGENT), [], 'keep');
      edit(created, 'reseal.yaml', (document) => ({
      ...document,
      codec: { control: { file: 'control.json' }, nodes: { file: 'nodes.json' } },
      orders: { key: { file: 'order.key' } },
      sources: {
        ...(document['sources'] as unknown as object),
        match: { kind: 'match', url: match.bare, passphrase: { file: 'match.passphrase' }, writeBack: false },
        apple: {
          kind: 'app-store-connect',
          keyId: '2X9R4HXF34',
          issuerId: '57246542-96fe-1a63-e053-0824d011072a',
          key: { file: 'apple.p8' },
          successors: 'made',
          url: parrots.url,
        },
      },
      notify: { webhooks: [{ url: `${parrots.url}/hook`, secretFile: 'webhook.secret', events: ['gate', 'outcome', 'successor', 'keychain', 'question'] }] },
      audit: {
        sinks: { away: { kind: 'bucket', bucket: 'planted', region: 'eu-central-1', endpoint: parrots.url, retainFor: '30d', whenDown: 'go-on' } },
      },
    })); // prettier-ignore
      edit(created, 'topology.yaml', (document) => {
        const nodes = document['nodes'] as unknown as readonly { name: string }[];
        return { ...document, nodes: nodes.map((node) => (node.name === BEHIND_AGENT ? { ...node, nodeKey: key } : node)) };
      });
    }

    const declareSources = (...sources: readonly string[]): void =>
      edit(mesh.mesh, 'topology.yaml', (document) => {
        const line = (document['lines'] as never)['ios-main'] as object;
        return { ...document, lines: { 'ios-main': { ...line, sources } } };
      });

    /** The node's own tools fail from now on where they are asked for that, and repeat what they know. */
    const parrot = (node: string, pattern: string): void => writeFileSync(join(mesh.home(node), 'parrot'), pattern);
    const hush = (node: string): void => rmSync(join(mesh.home(node), 'parrot'), { force: true });
    const spoke = (node: string): number => {
      const file = join(mesh.home(node), 'parrot.spoke');
      return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0;
    };

    /** A rotation that meets those failures from somewhere on, and comes to its end, or to a question. @param failures what fails, by node */
    async function failing(failures: Readonly<Record<string, string>>, from: 'start' | 'gate' | Phase): Promise<RotationStatus> {
      const before = new Map(Object.keys(failures).map((node) => [node, spoke(node)]));
      const fail = (): void => {
        for (const [node, pattern] of Object.entries(failures)) parrot(node, pattern);
      };
      if (from === 'start') fail();
      await mesh.rotate();
      if (from !== 'start') {
        await mesh.untilGate();
        if (from === 'gate') fail();
        await mesh.approve('ada', 'grace');
        if (from !== 'gate') {
          await mesh.untilPhase(from);
          fail();
        }
      }
      for (const [node, count] of before) await untilSpoken(node, count);
      return mesh.untilStatus((status) => status.outcome !== null || status.question !== null, 'its end, or a question');
    }

    async function untilSpoken(node: string, before: number): Promise<void> {
      await until(() => spoke(node) > before, { what: `a failure on ${node}`, timeout: 60_000 }).catch(async (error: unknown) => {
        throw new Error(`${String(error)}; the rotation is ${JSON.stringify(await mesh.status(), null, 1)}`);
      });
    }

    /** Answers what a rotation asks until it has ended. */
    async function untilEnd(): Promise<string> {
      for (;;) {
        const { outcome, question } = await mesh.untilStatus(
          (status) => status.outcome !== null || status.question !== null,
          'its end, or a question',
        );
        if (outcome !== null) return (await mesh.result()).outcome;
        if (question === null) continue;
        const option = question.options.includes('retry') ? 'retry' : (question.options[0] ?? '');
        await mesh.tell('answer', 'ada', { question: question.id, option });
      }
    }

    async function backToRest(): Promise<void> {
      for (const node of SIGNERS) hush(node);
      const status = await mesh.status();
      if (status.outcome === null && status.question !== null)
        await mesh.tell('answer', 'ada', { question: status.question.id, option: 'rollback' });
      expect(await mesh.result()).toMatchObject({ outcome: 'rolled-back' });
      expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([mesh.mesh.manifest]));
    }

    it.each([
      ['match', () => parrots.heard.some((one) => one.includes('passphrase'))],
      ['apple', () => parrots.heard.some((one) => one.includes('/v1/'))],
    ])('meets a source that fails: %s', async (source, met) => {
      declareSources(source);
      await mesh.rotate();
      await until(met, { what: `a question of ${source}` });
      told.push(JSON.stringify(await mesh.status()));
      await mesh.tell('cancel', 'rita');
      told.push(JSON.stringify(await mesh.result()));
      declareSources('drop');
    });

    it.each<readonly [Readonly<Record<string, string>>, 'start' | 'gate' | Phase]>([
      [{ [BEHIND_AGENT]: '"import"', [BEHIND_SSH]: '"set-key-partition-list"' }, 'start'],
      [{ [BEHIND_AGENT]: 'find-identity' }, 'gate'],
      [{ [BEHIND_SSH]: 'codesign' }, 'soaking'],
    ])('meets tools that fail and repeat what they know: %j from %s on', async (failures, from) => {
      told.push(JSON.stringify(await failing(failures, from)));
      await backToRest();
    });

    it('meets a retirement and an incident whose tools fail', async () => {
      const [node = ''] = SIGNERS;
      const before = spoke(node);
      await mesh.rotate();
      await mesh.approve('ada', 'grace');
      await mesh.untilPhase('soaking');
      parrot(node, '"-s"');
      await untilSpoken(node, before);
      told.push(JSON.stringify(await mesh.status()));
      hush(node);
      expect(await untilEnd()).toBe('completed');
      parrot(node, '"-s"');
      const failed = spoke(node);
      await mesh.rollBackCompleted('ios-main-6');
      await untilSpoken(node, failed);
      told.push(JSON.stringify(await mesh.status()));
      hush(node);
      told.push(await untilEnd());
    });

    it('meets people who are refused, and commands that fail', async () => {
      const denied = await fetch(new URL('/v1/rotations', api.url), { headers: { authorization: `Bearer ${planted.wrongToken}` } });
      told.push(`${denied.status} ${await denied.text()}`);
      expect(denied.status).toBe(401);
      const at = (name: string): string => join(folder, name);
      writeFileSync(at('identity.p12'), legacyPkcs12(mesh.mesh.nextCertificate, planted.pkcs12));
      writeFileSync(at('pkcs12.password'), `${planted.pkcs12}\n`, { mode: 0o600 });
      writeFileSync(at('wrong.password'), `${planted.match}\n`, { mode: 0o600 });
      const { config, root: home } = mesh.mesh.folders;
      const here = ['--config', config, '--home', home];
      const imports = (password: string): readonly string[] => [
        ...['certificate', 'import', at('identity.p12'), '--line', 'ios-main', '--by', 'rita', '--ticket', 'CHG-7'],
        ...['--password-file', at(password), ...here],
      ];
      await reseal(...imports('wrong.password'));
      await reseal(...imports('pkcs12.password'));
      await reseal('doctor', '--verbose', ...here);
      await reseal('doctor', ...here);
      await reseal('rotation', 'list');
      await reseal('rotation', 'status', 'ios-main-3');
      await reseal('rotation', 'watch', 'ios-main-3', '--json');
      await reseal('audit', 'verify', ...here);
      await reseal('audit', 'tail', ...here);
    });

    async function reseal(...argv: readonly string[]): Promise<void> {
      const [stdout, stderr] = [new PassThrough(), new PassThrough()];
      told.push(`$ reseal ${argv.join(' ')}\n`);
      for (const stream of [stdout, stderr]) stream.on('data', (chunk) => told.push(String(chunk)));
      const env = { PATH: process.env['PATH'], RESEAL_URL: api.url, RESEAL_TOKEN: planted.token };
      told.push(`exit ${await run(argv, { stdout, stderr, env, cwd: folder, now: Date.now })}\n`);
    }

    /** Every secret there is, by what it is called, in each form in which it would be seen. */
    async function everySecret(): Promise<Readonly<Record<string, readonly string[]>>> {
    const { certificate, nextCertificate, folders } = mesh.mesh;
    const store = mesh.around.store('main');
    const secrets: Record<string, readonly string[]> = {
      'passphrase of match': [planted.match],
      'secret of the webhook': [planted.webhook],
      'password of the PKCS#12': [planted.pkcs12],
      'key of the bucket': [planted.bucket],
      'token of the API': [planted.token],
      'token of somebody else': [planted.wrongToken],
      'key of App Store Connect': keySigns(appleKey),
      'tokens for App Store Connect': parrots.heard.flatMap((one) => /Bearer ([\w.-]{40,})/.exec(one)?.[1] ?? []),
      'key of orders': keySigns(orderKey),
      'root of the codec': bytesSigns(root.key),
      'codec keys of the node': handedOut(nodeAudience(BEHIND_AGENT), [root]).flatMap(({ key }) => bytesSigns(key)),
      'key of the node': keySigns(readFileSync(join(stateOf(mesh.mesh, BEHIND_AGENT), 'node.key'), 'utf8')),
      'key of the audit log': keySigns(readFileSync(join(folders.root, 'audit', 'node.key'), 'utf8')),
      'private key in force': keySigns(certificate.privateKeyPem),
      'private key of the successor': keySigns(nextCertificate.privateKeyPem),
    };
    for (const node of SIGNERS) {
      const key = readFileSync(join(stateOf(mesh.mesh, node), 'delivery.key'), 'utf8').trim();
      const recipient = await recipientOf(key);
      secrets[`delivery key of ${node}`] = [key];
      secrets[`password of the keychains of ${node}`] = [readFileSync(join(mesh.home(node), '.config/reseal/keychain-password'), 'utf8').trim()];
      for (const identity of [certificate.sha1, nextCertificate.sha1]) {
        const sealed = await store.sealedIdentity({ identity, node: node as NodeName, recipient });
        const { pkcs12, password } = await openSealedIdentity(sealed?.bytes ?? new Uint8Array(), key, identity);
        secrets[`what is delivered to ${node}, ${identity.slice(0, 8)}`] = [password, ...inBase64(pkcs12.subarray(-200))];
      }
    }
    expect(Object.entries(secrets).filter(([, signs]) => signs.length === 0 || signs.some((sign) => sign.length < 16))).toEqual([]);
    return secrets;
  } // prettier-ignore

    /** Temporal's histories as those see them who have the codec's keys: each payload, and what is not encoded. */
    async function decodedHistories(events: Awaited<ReturnType<typeof rawEvents>>): Promise<string> {
      const rings = [
        controlRing([root], 'test'),
        ringOf(nodeAudience(BEHIND_AGENT), handedOut(nodeAudience(BEHIND_AGENT), [root]), 'test'),
      ];
      const codecs = rings.map((ring) => encryptingCodec({ ring, servedBy: () => nodeAudience(BEHIND_AGENT) }));
      const texts = await Promise.all(
        events
          .flatMap(({ event }) => payloadsIn(event))
          .map(async (payload) => {
            if (keyIdOf(payload) === null) return Buffer.from(payload.data ?? '').toString('latin1');
            const opened = await Promise.any(codecs.map((codec) => codec.decode([payload])));
            return Buffer.from(opened[0]?.data ?? '').toString('latin1');
          }),
      );
      return texts.join('\n');
    }

    const gitObjects = (repository: string): string =>
      execFileSync('git', ['--git-dir', repository, 'cat-file', '--batch', '--batch-all-objects'], { maxBuffer: 1 << 28 }).toString(
        'latin1',
      );

    it('T1: no secret is in histories, encoded or not, in the database, the ledger, a log, the audit log, a store, a process list, an error, or a file that is not its own', async () => {
      const list = processes.stop();
      const secrets = await everySecret();
      const events = await rawEvents(server.temporal.client);
      const audit = [...filesBelow(join(mesh.mesh.folders.root, 'audit'))].filter(([name]) => name.endsWith('.jsonl'));
      const rotations = ['1', '2', '3', '4', '5', '6', '7'].map((number) => `ios-main-${number}`);
      const places: Record<string, string> = {
      'process lists': list,
      'histories': events.map(({ bytes }) => bytes.toString('latin1')).join(''),
      'histories, decoded': await decodedHistories(events),
      'Temporal’s database': server.databaseBytes().toString('latin1'),
      'the ledger': JSON.stringify(await Promise.all(rotations.map(async (id) => [await mesh.ledger.eventsAfter(id as never, -1), await mesh.ledger.rotationNodes(id as never)]))),
      'logs': readFileSync(log, 'utf8') + agents.logs(),
      'the audit log': audit.map(([, bytes]) => bytes.toString('utf8')).join(''),
      'the store': gitObjects(mesh.mesh.folders.store),
      'the repository of match': gitObjects(match.bare),
      'commands and answers': told.join(''),
    }; // prettier-ignore
      // Each place has what the run left in it.
      const leaves: Readonly<Record<string, string>> = {
        'process lists': 'agent-process.ts',
        'histories, decoded': 'cannot import the identity',
        'the ledger': 'rolled-back',
        logs: 'ready',
        'the audit log': 'stageNode',
        'the store': 'ios-main-6',
        'commands and answers': 'its password is another one',
      };
      for (const [place, text] of Object.entries(leaves))
        expect({ place, found: places[place]?.includes(text) }).toEqual({ place, found: true });
      const found: string[] = [];
      const search = (place: string, text: string): void => {
        const whole = withoutBreaks(text);
        for (const [secret, signs] of Object.entries(secrets))
          if (signs.some((sign) => whole.includes(sign))) found.push(`${secret} in ${place}`);
      };
      for (const [place, text] of Object.entries(places)) search(place, text);
      for (const [path, bytes] of filesBelow(folder))
        search(path.replace(/[0-9a-f]{32,40}/gi, '*').replace('*/*.key', '*.key'), bytes.toString('latin1'));
      // Each where it lives, which also shows that the search sees them; and nowhere else.
      expect([...new Set(found)].sort()).toEqual(
        [
          'codec keys of the node in config/nodes.json',
          'root of the codec in config/control.json',
          'key of orders in config/order.key',
          'key of App Store Connect in config/apple.p8',
          'key of the audit log in audit/node.key',
          `key of the node in nodes/${BEHIND_AGENT}/usr/local/var/reseal/state/node.key`,
          'passphrase of match in config/match.passphrase',
          'passphrase of match in wrong.password',
          'password of the PKCS#12 in pkcs12.password',
          'secret of the webhook in config/webhook.secret',
          ...['in force', 'of the successor'].map((which) => `private key ${which} in apple/certificates/*.key`),
          ...SIGNERS.flatMap((node) => [
            `delivery key of ${node} in nodes/${node}/usr/local/var/reseal/state/delivery.key`,
            `password of the keychains of ${node} in nodes/${node}/.config/reseal/keychain-password`,
            // The simulated keychains.
            ...['in force', 'of the successor'].map((which) => `private key ${which} in nodes/${node}/.mac/secrets/*.key`),
          ]),
        ].sort(),
      );
    });
  },
);
