import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configurationFolder, loadConfiguration } from '../../src/configuration/load.js';
import { ResealError } from '../../src/domain/errors.js';

const EXAMPLE = fileURLToPath(new URL('./example', import.meta.url));
const DAY = 86_400_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-configuration-'));
  cpSync(EXAMPLE, folder, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function edit(file: string, from: string, to: string): void {
  const path = join(folder, file);
  const before = readFileSync(path, 'utf8');
  expect(before).toContain(from);
  writeFileSync(path, before.replace(from, to));
}

function refusal(): ResealError {
  try {
    loadConfiguration(folder);
  } catch (error) {
    if (error instanceof ResealError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('a configuration', () => {
  it('is read with every default filled in and durations in milliseconds', () => {
    const { topology, policy, reseal, observations } = loadConfiguration(folder);
    expect(topology.nodes[1]).toEqual({
      name: 'ams-build-1',
      region: 'eu-west',
      environment: 'production',
      lines: ['ios-main'],
      pool: 'main',
      roles: ['compile'],
      keys: 'forbidden',
      image: 'tahoe-26.1-b4',
      profileFolders: ['xcode16', 'legacy'],
      mount: '/usr/local/var/reseal/mount',
      state: '/usr/local/var/reseal/state',
      hardware: 'mac-mini',
      reach: { kind: 'agent' },
    });
    expect(policy).toEqual({
      schemaVersion: 1,
      scan: { every: DAY, at: '06:00', zone: 'UTC', lookAhead: 2 * DAY, ticket: 'CHG-1' },
      window: { appStore: 7 * DAY, development: 7 * DAY, adHoc: 60 * DAY, enterprise: 60 * DAY },
      successor: { minLifeBeyondWindow: 14 * DAY, lookEvery: 5 * 60_000, askEvery: DAY, pageWhenLeft: [5 * DAY, 3 * DAY, 2 * DAY, DAY] },
      specifiers: 'uuid-only',
      wipeable: [],
      cohorts: {
        canary: { perImage: 1, share: { percent: 5 } },
        waves: [{ percent: 10 }, { percent: 30 }, { percent: 60 }],
        maxUnavailable: { percent: 2 },
        stallTimeout: 1_800_000,
      },
      probe: { passes: 3, interval: 10_000, checkTimeout: 60_000, inconclusiveFor: 300_000 },
      soak: { duration: DAY, interval: 900_000, floor: 3_600_000 },
      gate: { approvals: 2, timeout: DAY, calendar: 'office', remindEvery: 14_400_000, widenAfter: 28_800_000, approvalValid: 3 * DAY },
      retirement: { secondGate: false, maxBuildDuration: 14_400_000, overduePinPageEvery: 14_400_000 },
      rollback: { headTime: 30_000, nodeTime: 120_000, safetyMargin: DAY, minLifeAfterRollback: 3 * DAY },
      escalation: { pageEvery: 1_800_000 },
      emergency: { approvals: 2, canary: 1, wave: { percent: 100 } },
      clock: { maxSkew: 60_000 },
      limits: { stepNodes: 100, activitiesPerSecond: 100, nodeOperationTimeout: 300_000, nodeOfflineAfter: 120_000 },
      seats: {
        lease: 3_600_000,
        longest: 14_400_000,
        heartbeat: 120_000,
        longestWait: 14_400_000,
        bookAhead: 2_592_000_000,
        bookingGrace: 900_000,
        rotationWait: 1_200_000,
        rollbackWait: 15_000,
      },
      claims: { lease: 1_800_000, longest: 14_400_000 },
      exports: { approvals: 2, approveWithin: DAY, fetchWithin: DAY, longest: 7 * DAY },
      returning: { mode: 'converge', every: 300_000 },
      tickets: { pattern: '^[A-Z][A-Z0-9]{1,9}-[0-9]{1,8}$' },
      calendars: { office: { zone: 'Europe/Berlin', days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '08:00', to: '19:00', holidays: [] } },
      audience: { owner: [], widened: [], page: [] },
    });
    expect(reseal.stores).toEqual({ main: { kind: 'git', url: join(folder, 'store.git'), branch: 'main', timeout: 20_000 } });
    expect(reseal.sources).toEqual({ drop: { kind: 'drop', path: join(folder, 'drop') } });
    expect(observations).toEqual([]);
  });

  it('leaves the address of a remote store as it is', () => {
    edit('reseal.yaml', './store.git', 'git@git.acme.example:signing/store.git');
    expect(loadConfiguration(folder).reseal.stores['main']).toMatchObject({ url: 'git@git.acme.example:signing/store.git' });
  });

  it.each(['https://rita:hunter2@git.acme.example/store.git', '>\n  https://rita:hunter2@git.acme.example/store.git'])(
    'whose store has credentials in its address is refused with what to do, and shows none of them (%#)',
    (url) => {
      edit('reseal.yaml', './store.git, branch: main } }', `main } }`);
      edit('reseal.yaml', '{ main: { kind: git, url: main } }', `\n  main:\n    kind: git\n    url: ${url.replace('\n  ', '\n      ')}`);
      const { details } = refusal();
      expect(details.join()).toMatch(/^reseal\.yaml:\d+ stores\.main\.url: found /);
      expect(details.join()).not.toContain('hunter2');
    },
  );

  it('names ssh keys and credential helpers where an address holds a password, and the forms where it is none', () => {
    edit('reseal.yaml', './store.git', '"ssh://git:hunter2@git.acme.example/store.git"');
    expect(refusal().details).toEqual([
      'reseal.yaml:5 stores.main.url: found an address with credentials in it, expected one without: it is shown to everybody who reads of this store. An ssh key or a git credential helper of the account that runs reseal lets it in',
    ]);
    edit('reseal.yaml', 'ssh://git:hunter2@git.acme.example/store.git', 'git://git.acme.example/store.git');
    expect(refusal().details).toEqual([
      'reseal.yaml:5 stores.main.url: found an address of the kind git://, expected a path, ssh://user@host/path, user@host:path, https://host/path or file:///path',
    ]);
  });

  it.each(['none', 'null'])('whose gate has calendar %s never stops the clock of the gate', (calendar) => {
    edit('policy.yaml', 'scan:', `gate: { calendar: ${calendar} }\nscan:`);
    expect(loadConfiguration(folder).policy.gate.calendar).toBeNull();
  });

  it('says what is allowed and unwise: a laptop that signs, a signer that compiles, one identity for all', () => {
    edit('topology.yaml', 'roles: [signer], keys: allowed', 'roles: [signer, compile], keys: allowed, hardware: macbook-pro');
    edit('topology.yaml', 'identity: signers', 'identity: shared');
    expect(loadConfiguration(folder).observations).toEqual([
      expect.stringContaining('ams-sign-1 is a laptop (macbook-pro) and a signer'),
      expect.stringContaining('ams-sign-1 is a signer and a compile host'),
      expect.stringContaining('Line ios-main copies one identity to 1 node: revoking it stops 4 nodes, 1 pipeline and 2 bundles at once'),
    ]);
  });
});

describe('a configuration that is wrong', () => {
  it('has a sidecar that no line reaches, or a line that says how to reach what it does not have', () => {
    edit('topology.yaml', 'identity: signers', 'identity: sidecar');
    expect(refusal().details).toEqual([
      expect.stringMatching(/^topology\.yaml:\d+ lines\.ios-main\.sidecar: found nothing, expected sidecar: \{socket: PATH\}/),
    ]);
    edit('topology.yaml', 'identity: sidecar', 'identity: sidecar\n    sidecar: { socket: ./socket }');
    expect(refusal().details).toEqual([
      expect.stringContaining('lines.ios-main.sidecar.socket: found "./socket", expected an absolute path'),
    ]);
    edit('topology.yaml', './socket', '/usr/local/var/reseal/sidecar/socket');
    expect(loadConfiguration(folder).topology.lines['ios-main' as never]).toMatchObject({
      sidecar: { socket: '/usr/local/var/reseal/sidecar/socket' },
    });
    edit('topology.yaml', 'identity: sidecar', 'identity: signers');
    expect(refusal().details).toEqual([
      expect.stringContaining('lines.ios-main.sidecar: found a sidecar, expected none, since identity is signers'),
    ]);
  });

  it('has a control API that listens elsewhere than on loopback without TLS, or gives a role that there is none of', () => {
    edit('reseal.yaml', "listen: '127.0.0.1:0'", "listen: '0.0.0.0:7443'");
    expect(refusal().details).toEqual([expect.stringMatching(/^reseal\.yaml:4 api\.listen: found "0\.0\.0\.0:7443" without api\.tls, expected /)]);
    edit('reseal.yaml', "'0.0.0.0:7443'", "'0.0.0.0:7443', tls: { certificate: tls/server.pem, key: tls/server.key }");
    expect(loadConfiguration(folder).reseal.api.tls).toEqual({ certificate: join(folder, 'tls/server.pem'), key: join(folder, 'tls/server.key') });
    const oidc = (issuer: string, role: string): string => `oidc: { issuer: '${issuer}', audience: reseal, roles: { all: [${role}] } }`;
    edit('reseal.yaml', 'tls/server.key }', `tls/server.key }, ${oidc('http://id.acme.test', 'boss')}`);
    expect(refusal().details).toEqual([
      expect.stringContaining('api.oidc.issuer: found "http://id.acme.test", expected an https address'),
      expect.stringContaining('api.oidc.roles.all.0: found "boss", expected one of reader, pipeline, operator, approver'),
    ]);
  }); // prettier-ignore
  it('receivers of exports are named once, have an age key, and somebody of the roster fetches for them (S6)', () => {
    const path = join(folder, 'roster.yaml');
    const roster = parse(readFileSync(path, 'utf8')) as object;
    const receiver = { id: 'safe', name: 'The safe', recipient: `age1${'q'.repeat(58)}`, fetchedBy: ['alice'] };
    const declared = (...receivers: object[]): void => writeFileSync(path, stringify({ ...roster, receivers }));
    declared(receiver);
    expect(loadConfiguration(folder).roster.receivers).toEqual([receiver]);
    declared(receiver, { ...receiver, fetchedBy: ['zoe'] });
    expect(refusal().details.map((detail) => detail.replace(/^\S+ /, ''))).toEqual([
      'receivers.1.id: found "safe" a second time, expected each receiver once',
      expect.stringMatching(/^receivers\.1\.fetchedBy\.0: found "zoe", expected a person of this file: alice, /),
    ]);
    declared({ ...receiver, recipient: 'ssh-ed25519 AAAA', fetchedBy: [] });
    expect(refusal().details).toHaveLength(2);
  });

  it('names file, line, field, what was found and what was expected, everything at once', () => {
    edit(
      'policy.yaml',
      'scan: { ticket: CHG-1 }',
      'scan: { ticket: CHG-1 }\nsoak:\n  duration: 24 hours\ncohorts:\n  maxUnavailable: 200%\n  wavez: []',
    );
    edit('topology.yaml', 'roles: [signer], keys', 'roles: [boss], keys');
    edit('roster.yaml', '[approver, incident]', '[approver, boss]');
    edit('reseal.yaml', 'address: embedded', 'address: somewhere');
    const error = refusal();
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toBe(`6 things are wrong in the configuration in ${folder}.`);
    expect(error.details).toEqual([
      'topology.yaml:27 nodes.0.roles.0: found "boss", expected one of signer, compile, publisher',
      'policy.yaml:6 cohorts.maxUnavailable: found "200%", expected a share like 5% (1 to 100) or a count of nodes from 1',
      'policy.yaml:7 cohorts.wavez: found an unknown field, expected only the fields canary, waves, maxUnavailable, stallTimeout',
      'policy.yaml:4 soak.duration: found "24 hours", expected a duration: an integer and ms, s, m, h or d, like 24h',
      'reseal.yaml:2 temporal.address: found "somewhere", expected embedded, or host:port',
      'roster.yaml:12 persons.1.roles.1: found "boss", expected a role of this file: importer, requester, approver, incident, oncall',
    ]);
  });

  it('refuses a key that two persons have, whatever its comment: persons count and not keys (invariant 5)', () => {
    const key = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${'A'.repeat(43)}`;
    const path = join(folder, 'roster.yaml');
    const roster = parse(readFileSync(path, 'utf8')) as { persons: Record<string, unknown>[] };
    const [first, second] = roster.persons;
    const having = (person: Record<string, unknown> | undefined, comment: string) => ({ ...person, keys: [{ kind: 'ssh', public: `${key} ${comment}` }] }); // prettier-ignore
    writeFileSync(path, stringify({ ...roster, persons: [having(first, 'laptop'), having(second, 'desk'), ...roster.persons.slice(2)] }));
    expect(refusal().details).toEqual([
      expect.stringMatching(/persons\.1\.keys\.0\.public: found the key A{12}, which \S+ has already, expected each key once/),
    ]);
  });

  it.each([
    [
      'a store nobody declared',
      'topology.yaml',
      'store: main',
      'store: other',
      'topology.yaml:8 lines.ios-main.store: found "other", expected a store of reseal.yaml: main',
    ],
    [
      'a source nobody declared',
      'topology.yaml',
      'sources: [drop]',
      'sources: [match]',
      'topology.yaml:9 lines.ios-main.sources.0: found "match", expected a source of reseal.yaml: drop',
    ],
    [
      'a person nobody knows',
      'topology.yaml',
      'successorOwner: alice',
      'successorOwner: zoe',
      'topology.yaml:10 lines.ios-main.successorOwner: found "zoe", expected the id of a person of roster.yaml',
    ],
    [
      'a line nobody declared',
      'topology.yaml',
      'name: iad-build-1,',
      'name: iad-build-1, lines: [mac],',
      'topology.yaml:30 nodes.3.lines.0: found "mac", expected a line of this file: ios-main',
    ],
    [
      'a node twice',
      'topology.yaml',
      'name: iad-build-1,',
      'name: ams-build-1,',
      'topology.yaml:30 nodes.3.name: found "ams-build-1" a second time, expected each node once',
    ],
    [
      'a line without a node that may be in the canary',
      'topology.yaml',
      'defaults:',
      'defaults:\n  canary: forbidden',
      'topology.yaml:28 nodes.0.canary: found forbidden, expected at least one node of ios-main that may be in the canary; all of them forbid it',
    ],
    [
      'a calendar nobody declared',
      'policy.yaml',
      'scan:',
      'gate: { calendar: night }\nscan:',
      'policy.yaml:2 gate.calendar: found "night", expected a calendar of this file: office, or none',
    ],
    [
      'an audience nobody knows',
      'policy.yaml',
      'scan:',
      'audience: { page: [nobody] }\nscan:',
      'policy.yaml:2 audience.page.0: found "nobody", expected a person or a role of roster.yaml',
    ],
    [
      'a ticket against the pattern',
      'policy.yaml',
      'CHG-1',
      'soon',
      'policy.yaml:2 scan.ticket: found "soon", expected a ticket that matches ^[A-Z][A-Z0-9]{1,9}-[0-9]{1,8}$',
    ],
    ['no standing ticket', 'policy.yaml', 'ticket: CHG-1', 'at: "07:00"', 'policy.yaml:2 scan.ticket: found nothing, expected a text'],
    [
      'no region',
      'topology.yaml',
      'name: iad-build-1, region: us-east',
      'name: iad-build-1',
      'topology.yaml:30 nodes.3.region: found nothing, expected region, here or under defaults',
    ],
    [
      'a key twice',
      'policy.yaml',
      'scan:',
      'schemaVersion: 1\nscan:',
      'policy.yaml:2: found Map keys must be unique, expected YAML that can be read',
    ],
    [
      'a newer schema',
      'policy.yaml',
      'schemaVersion: 1',
      'schemaVersion: 2',
      'policy.yaml:1 schemaVersion: found 2, expected schemaVersion 1, the only one that this version of reseal reads',
    ],
    [
      'a mount in a wiped tree',
      'topology.yaml',
      'name: iad-build-1,',
      'name: iad-build-1, mount: /private/tmp/reseal,',
      'topology.yaml:30 nodes.3.mount: found "/private/tmp/reseal" on iad-build-1, expected a folder that no cleaner empties; this one is in /tmp',
    ],
  ])('has %s', (_what, file, from, to, detail) => {
    edit(file, from, to);
    expect(refusal().details).toEqual([detail]);
  });

  it('has state in a tree that the policy says is wiped, and profile folders too', () => {
    edit('policy.yaml', 'scan:', 'wipeable: [/usr/local/var, ~/Library/MobileDevice]\nscan:');
    const { details } = refusal();
    expect(details.filter((one) => one.includes('iad-build-1')).map((one) => one.replace(/ on .*/, ''))).toEqual([
      'topology.yaml:30 nodes.3.mount: found "/usr/local/var/reseal/mount"',
      'topology.yaml:30 nodes.3.state: found "/usr/local/var/reseal/state"',
      'topology.yaml:30 nodes.3.profileFolders: found "~/Library/MobileDevice/Provisioning Profiles"',
    ]);
  });

  it('has two local nodes with one home, however it is written; a home in /tmp is fine, since only paths on the node count', () => {
    edit(
      'topology.yaml',
      'name: ams-build-1, region: eu-west',
      'name: ams-build-1, region: eu-west, reach: { kind: local, home: ./homes/a }',
    );
    edit(
      'topology.yaml',
      'name: iad-build-1, region: us-east',
      'name: iad-build-1, region: us-east, reach: { kind: local, home: ./homes/b/../a }',
    );
    expect(refusal().details).toEqual([
      `topology.yaml:30 nodes.3.reach.home: found "${join(folder, 'homes/a')}", expected a home of its own; ams-build-1 has that one`,
    ]);
  });

  it('goes below the floors, which only a mesh without production nodes may', () => {
    edit('policy.yaml', 'scan:', 'gate: { approvals: 1 }\nemergency: { approvals: 1 }\nsoak: { duration: 30s, floor: 1m }\nscan:');
    expect(refusal().details).toEqual([
      'policy.yaml:2 gate.approvals: found 1, expected at least 2 approvals, unless every node is staging or simulated',
      'policy.yaml:3 emergency.approvals: found 1, expected at least 2 approvals, unless every node is staging or simulated',
      'policy.yaml:4 soak.floor: found 1 minutes, expected at least 1h, unless every node is staging or simulated',
      'policy.yaml:4 soak.duration: found 0.5 minutes, expected at least soak.floor, unless every node is staging or simulated',
    ]);
    edit('topology.yaml', 'environment: production', 'environment: simulated');
    expect(loadConfiguration(folder).policy.soak.duration).toBe(30_000);
  });

  it('is missing: says where it looked and how to make one', () => {
    rmSync(folder, { recursive: true });
    expect(refusal()).toMatchObject({ code: 'CONFIG_MISSING', message: expect.stringContaining(`There is no configuration in ${folder}`) });
  });

  it('lacks one file: names it', () => {
    rmSync(join(folder, 'roster.yaml'));
    expect(refusal()).toMatchObject({ code: 'CONFIG_MISSING', message: expect.stringContaining(`There is no roster.yaml in ${folder}`) });
  });

  it('is judged in moments for ten thousand nodes', () => {
    const nodes = Array.from(
      { length: 10_000 },
      (_, index) => `  - { name: node-${index}, region: eu, reach: { kind: local, home: ./h/${index} } }`,
    );
    writeFileSync(
      join(folder, 'topology.yaml'),
      readFileSync(join(folder, 'topology.yaml'), 'utf8').replace(/nodes:\n[^]*pipelines/, `nodes:\n${nodes.join('\n')}\npipelines`),
    );
    const began = Date.now();
    expect(loadConfiguration(folder).topology.nodes).toHaveLength(10_000);
    expect(Date.now() - began).toBeLessThan(15_000);
  });
});

describe('the folder of the configuration', () => {
  it('is --config, else RESEAL_CONFIG, else ./reseal', () => {
    expect(configurationFolder('x', { RESEAL_CONFIG: '/y' }, '/w')).toBe('/w/x');
    expect(configurationFolder(undefined, { RESEAL_CONFIG: '/y' }, '/w')).toBe('/y');
    expect(configurationFolder(undefined, { RESEAL_CONFIG: '' }, '/w')).toBe('/w/reseal');
  });
});
