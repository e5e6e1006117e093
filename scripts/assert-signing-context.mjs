#!/usr/bin/env node
// The signing gate: does this node have what a build is going to sign with? Nothing but Node.js 20 is needed; copy this one file to where CI runs it.
// docs/gate.md says how it is used. Exit 0: yes. 1: no; every reason with what was expected, what was found and what to do. 2: it could not be asked, or
// the node does not say enough of itself.
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { homedir, hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';

// An import would make everything that these two export, the Web Crypto API too, before the first line here runs.
const require = createRequire(import.meta.url);
const { spawnSync } = require('node:child_process');
const { createHash, randomUUID } = require('node:crypto');

const USAGE = `usage: node assert-signing-context.mjs --expect-manifest SHA --expect-signing SHA --region R [options] [-- BUILD ARGUMENTS]
       node assert-signing-context.mjs --unpin JOB [--state DIR]

  --expect-manifest SHA  SHA-1 or SHA-256 of the profiles.json that the build goes by
  --expect-signing SHA   SHA-1 or SHA-256 of what \`security find-identity -v -p codesigning\` prints, or the digest of \`reseal node expected\`
  --region R             the region that the node should be in
  --exact                take the active manifest alone, and all identities of the node
  --pin JOB              on success keep this manifest on the node until --unpin, at most --pin-for
  --unpin JOB            give it back
  --pipeline NAME        whose job that is (RESEAL_PIPELINE)
  --pin-for DURATION     default: the longest build of the policy, as the node has it, else 4h; at most 7d
  --build-args "ARGS"    arguments of the build, to be looked at too; what stands after -- is as well
  --manifest FILE        the node's profiles.json (RESEAL_PROFILES)
  --mount DIR            default /usr/local/var/reseal/mount (RESEAL_MOUNT)
  --state DIR            default /usr/local/var/reseal/state (RESEAL_STATE)
  --line NAME            where the mount has several (RESEAL_LINE)
  --node NAME            default: the name that the node has of reseal, else the host's (RESEAL_NODE)
  --folders LIST         xcode16,legacy (RESEAL_PROFILE_FOLDERS): where Xcode reads profiles
  --timeout SECONDS      for \`security\`; default 30
  --format text|json     text: sentences on stderr too; stdout has one line of JSON in any case
  --help`;

const VALUES = [
  ...['expect-manifest', 'expect-signing', 'region', 'manifest', 'mount', 'state', 'line', 'node', 'folders', 'timeout', 'format'],
  ...['pin', 'unpin', 'pipeline', 'pin-for', 'build-args'],
];
const FLAGS = ['exact', 'help'];

const BASE = '/usr/local/var/reseal';
const FOLDERS = {
  xcode16: 'Library/Developer/Xcode/UserData/Provisioning Profiles',
  legacy: 'Library/MobileDevice/Provisioning Profiles',
};
const MOST_MANIFEST = 32 * 2 ** 20;
const MOST_PROFILE = 8 * 2 ** 20;
const MOST_STATE = 4 * 2 ** 20;
const MOST_BUNDLES = 500;
const MOST_OUTPUT = 2 ** 20;
const LONGEST_JOB = 500;
const SHA256 = /^[0-9a-f]{64}$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** What no name may hold that people read: the same as in src/domain/plain-text.ts. */
const NOT_PLAIN = /[\p{Cc}\p{Cs}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u;
const DEFAULT_LEASE = 4 * 3_600_000;
const LONGEST_LEASE = 7 * 86_400_000;
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The gate could not be asked: arguments, or what it reads, are at fault. */
class Fault extends Error {
  constructor(check, message, expected, found, next) {
    super(message);
    this.reason = { check, message, expected, found, next };
  }
}
const usage = (message, expected, found) => new Fault('arguments', message, expected, found, 'see --help');

const digests = (bytes) => ({
  sha1: createHash('sha1').update(bytes).digest('hex'),
  sha256: createHash('sha256').update(bytes).digest('hex'),
});
const matches = (expected, found) => expected === found.sha1 || expected === found.sha256;

// ------------------------------------------------------------------------------------------------------------ the command line

function parse(argv) {
  const end = argv.indexOf('--');
  const own = end < 0 ? argv : argv.slice(0, end);
  const options = { buildArgs: end < 0 ? [] : argv.slice(end + 1) };
  for (let at = 0; at < own.length; at++) {
    const [, name = '', , inline] = /^--([a-z-]+)(=([^]*))?$/.exec(own[at]) ?? [];
    if (FLAGS.includes(name) && inline === undefined) {
      options[name] = true;
      continue;
    }
    if (!VALUES.includes(name)) throw usage('an argument is not known', 'the options of --help, and build arguments after --', own[at]);
    if (inline === undefined && at + 1 >= own.length)
      throw usage(`--${name} has no value`, `--${name} and a value`, 'the end of the command');
    const value = inline ?? own[++at];
    if (name === 'build-args') options.buildArgs.push(...words(value));
    else if (options[name] !== undefined) throw usage(`--${name} is given twice`, 'once', `${options[name]} and ${value}`);
    else options[name] = value;
  }
  return options;
}

/** A line of arguments as a shell would divide it; expands nothing. */
function words(line) {
  const found = [];
  let word = null;
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    const character = line[at];
    if (quote !== '') {
      if (character === quote) quote = '';
      else if (character === '\\' && quote === '"' && at + 1 < line.length) word += line[++at];
      else word += character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (/\s/.test(character)) {
      if (word !== null) found.push(word);
      word = null;
    } else word = (word ?? '') + (character === '\\' && at + 1 < line.length ? line[++at] : character);
  }
  return word === null ? found : [...found, word];
}

const EMPTY = digests(Buffer.alloc(0));

function expectedDigest(options, name, source) {
  const given = options[name];
  const expected = `a SHA-1 (40 hexadecimal digits) or a SHA-256 (64) of ${source}`;
  if (given === undefined) throw usage(`--${name} is missing`, expected, 'nothing');
  const digest = given.trim().toLowerCase();
  if (digest === '') throw usage(`--${name} is empty: the command that it is computed from printed nothing`, expected, 'an empty text');
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(digest)) throw usage(`--${name} is no digest`, expected, given);
  if (matches(digest, EMPTY))
    throw usage(`--${name} is the digest of nothing: the command that it is computed from printed nothing`, expected, given);
  return digest;
}

function positional(value, name) {
  if (value !== undefined && !NAME.test(value))
    throw usage(`${name} is no name`, 'lower-case letters, digits and hyphens', JSON.stringify(value));
  return value;
}

function duration(text) {
  const [, count, unit] = /^([1-9][0-9]{0,6})([smhd])$/.exec(text) ?? [];
  const milliseconds = unit === undefined ? 0 : Number(count) * UNITS[unit];
  if (milliseconds > 0 && milliseconds <= LONGEST_LEASE) return milliseconds;
  throw usage('--pin-for is no duration', 'an integer and s, m, h or d, at most 7d', text);
}

function jobName(text) {
  if (text.trim() !== '' && text.length <= LONGEST_JOB && !NOT_PLAIN.test(text)) return text;
  throw usage('a job has no such name', `a text of 1 to ${LONGEST_JOB} characters on one line`, JSON.stringify(text.slice(0, 80)));
}

function secondsOf(text) {
  if (/^[1-9][0-9]{0,3}$/.test(text)) return Number(text);
  throw usage('--timeout is no number of seconds', '1 to 9999', text);
}

function settings(argv, env) {
  const options = parse(argv);
  const given = (name, variable) => options[name] ?? (env[variable] || undefined);
  const format = options.format ?? 'text';
  if (format !== 'text' && format !== 'json') throw usage('--format is not known', 'text or json', format);
  const base = {
    help: options.help === true,
    format,
    state: resolve(given('state', 'RESEAL_STATE') ?? join(BASE, 'state')),
    line: positional(given('line', 'RESEAL_LINE'), '--line'),
    node: given('node', 'RESEAL_NODE'),
    image: env.IMAGE_ID || small(env.RESEAL_IMAGE_FILE || '/etc/reseal-image-id'),
  };
  if (base.help) return base;
  if (options.unpin !== undefined) {
    const more = Object.keys(options).find((name) => ['expect-manifest', 'expect-signing', 'region', 'pin', 'exact'].includes(name));
    if (more !== undefined)
      throw usage('--unpin does one thing alone', 'no other option than --state, --line, --node and --format', `--${more}`);
    return { ...base, unpin: jobName(options.unpin) };
  }
  const folders = (given('folders', 'RESEAL_PROFILE_FOLDERS') ?? 'xcode16,legacy').split(',').map((one) => one.trim());
  const unknown = folders.find((one) => FOLDERS[one] === undefined);
  if (unknown !== undefined) throw usage('--folders names a folder that is not known', Object.keys(FOLDERS).join(', '), unknown);
  const expectManifest = expectedDigest(options, 'expect-manifest', 'a profiles.json');
  const expectSigning = expectedDigest(options, 'expect-signing', 'an identity summary');
  const region = options.region?.trim() ?? '';
  if (region === '') throw usage('--region is missing or empty', 'the region that the node should be in', 'nothing');
  return {
    ...base,
    expectManifest,
    expectSigning,
    region,
    // Of the image, not of the job: variables of the job may be where --region came from.
    imageRegion: small('/etc/reseal-region'),
    manifest: given('manifest', 'RESEAL_PROFILES'),
    mount: given('mount', 'RESEAL_MOUNT'),
    folders: folders.map((one) => join(homedir(), FOLDERS[one])),
    exact: options.exact === true,
    pin: options.pin === undefined ? undefined : jobName(options.pin),
    pipeline: pipelineOf(options, env),
    pinFor: options['pin-for'] === undefined ? undefined : duration(options['pin-for']),
    buildArgs: options.buildArgs,
    timeout: secondsOf(options.timeout ?? '30') * 1000,
    readOnlyTools: { match: env.MATCH_READONLY, sigh: env.SIGH_READONLY },
  };
}

/** Whose job it is: said, or as CI servers name it; what they call it and no name is is as good as nothing. */
function pipelineOf(options, env) {
  const said = options.pipeline ?? (env.RESEAL_PIPELINE || undefined);
  if (said !== undefined) return jobName(said);
  const named = ['GITHUB_WORKFLOW', 'CI_PROJECT_PATH', 'BUILDKITE_PIPELINE_SLUG', 'JOB_NAME'].map((name) => env[name]);
  return named.find((one) => one && one.length <= LONGEST_JOB && !NOT_PLAIN.test(one)) ?? null;
}

/** A word that a golden image says of itself; null where there is none. */
function small(path) {
  try {
    return bytesOf(path, 4096).toString('utf8').trim().slice(0, 200) || null;
  } catch {
    return null;
  }
}

// --------------------------------------------------------------------------------------------------------- what the node has

/** The bytes of a regular file. Nothing else is opened: a link leads elsewhere, a pipe never ends. */
function bytesOf(path, most) {
  const what = kindOf(path);
  if (what !== 'a file') throw Object.assign(new Error(what), { found: what });
  let fd;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw Object.assign(new Error(`a file that cannot be read (${error.code})`), { found: `a file that cannot be read (${error.code})` });
  }
  try {
    const stat = fstatSync(fd);
    const found = !stat.isFile() ? 'no file any more' : stat.size > most ? `a file of ${stat.size} bytes` : null;
    if (found !== null) throw Object.assign(new Error(found), { found });
    const bytes = Buffer.alloc(stat.size);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = readSync(fd, bytes, length, bytes.length - length, length);
    return bytes.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

function kindOf(path) {
  let stat;
  try {
    stat = lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (error.code !== 'ENOTDIR') return `nothing that may be looked at (${error.code})`;
  }
  if (stat === undefined) return 'nothing';
  if (stat.isFile()) return 'a file';
  if (stat.isSymbolicLink()) return 'a symbolic link';
  return stat.isDirectory() ? 'a folder' : 'neither file nor folder';
}

function entriesOf(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The node's active manifest: where it is, and whose. */
function locate({ manifest, mount, line }, name) {
  if (manifest !== undefined) return resolve(manifest);
  const root = resolve(mount ?? join(BASE, 'mount'));
  const places = (of) => [join(root, of, 'profiles.json'), join(root, of, 'nodes', name, 'profiles.json')];
  const there = (of) => places(of).find((path) => kindOf(path) !== 'nothing');
  if (line !== undefined) return there(line) ?? places(line)[0];
  const lines = entriesOf(root).filter((of) => NAME.test(of) && there(of) !== undefined);
  if (lines.length === 1) return there(lines[0]);
  if (lines.length > 1)
    throw new Fault(
      'manifest',
      `${root} has several lines`,
      'one line, or --line',
      lines.join(', '),
      'name the one that this job builds for with --line',
    );
  throw new Fault(
    'manifest',
    'this node has no active manifest',
    `${root}/<line>/profiles.json`,
    kindOf(root) === 'nothing' ? `no ${root}` : `no profiles.json in ${root}`,
    'see `reseal node inspect`; or say where it is with --manifest or RESEAL_PROFILES',
  );
}

const shortHost = () => hostname().split('.')[0].toLowerCase();

const NOT_RENDERED = { node: undefined, region: undefined, longestBuild: undefined };

/** `node.json` of the node's state: what reseal has rendered there of topology and policy. Without it: nothing of it. */
function renderedOn(state) {
  const path = join(state, 'node.json');
  const fault = (found) =>
    new Fault('node', `${path} is not what reseal writes`, 'schemaVersion 1, node, region and longestBuildSeconds', found, 'see `reseal node inspect`'); // prettier-ignore
  let bytes;
  try {
    bytes = bytesOf(path, 65_536);
  } catch (error) {
    if (error.found === 'nothing' || /^nothing that may|cannot be read/.test(error.found ?? '')) return NOT_RENDERED;
    throw fault(error.found ?? error.message);
  }
  let value = null;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    // Said below.
  }
  const { node, region, longestBuildSeconds: seconds } = value ?? {};
  const whole = [node, region].every((text) => typeof text === 'string' && text !== '') && Number.isSafeInteger(seconds) && seconds > 0;
  if (value?.schemaVersion !== 1 || !whole) throw fault(`${bytes.length} bytes of something else`);
  return { node, region, longestBuild: Math.min(seconds * 1000, LONGEST_LEASE) };
}

function readManifest(path) {
  const fault = (message, expected, found) =>
    new Fault('manifest', message, expected, found, 'see `reseal node inspect`, and `reseal manifest verify` for the file itself');
  let bytes;
  try {
    bytes = bytesOf(path, MOST_MANIFEST);
  } catch (error) {
    throw fault(`${path} cannot be taken for a manifest`, `a regular file of at most ${MOST_MANIFEST} bytes`, error.found ?? error.message);
  }
  let value;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw fault(`${path} is not JSON`, 'a manifest as `reseal manifest freeze` writes it', `${bytes.length} bytes that are no JSON`);
  }
  const wrong = manifestProblem(value);
  if (wrong !== null) throw fault(`${path} is no manifest`, wrong, 'something else');
  return { ...digests(bytes), path, line: value.line, entries: value.profiles };
}

/** What a manifest has and this has not; only what the gate goes by. Names become paths, so they are held to their form. */
function manifestProblem(value) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return 'an object';
  if (value.schemaVersion !== 1) return 'schemaVersion: 1';
  if (typeof value.line !== 'string' || !NAME.test(value.line)) return 'line: the name of a line';
  if (!Array.isArray(value.profiles) || value.profiles.length === 0) return 'profiles: a list that is not empty';
  for (const [index, entry] of value.profiles.entries()) {
    const at = `profiles[${index}]`;
    const profile = entry?.profile;
    if (typeof entry?.bundleId !== 'string') return `${at}.bundleId: a text`;
    if (typeof entry.identity !== 'string' || !/^[0-9a-f]{40}$/.test(entry.identity)) return `${at}.identity: the SHA-1 of a certificate`;
    if (entry.holder !== undefined && typeof entry.holder !== 'string') return `${at}.holder: a name`;
    if (typeof profile?.uuid !== 'string' || !UUID.test(profile.uuid)) return `${at}.profile.uuid: a UUID`;
    if (profile.fileName !== `${profile.uuid}.mobileprovision`) return `${at}.profile.fileName: <uuid>.mobileprovision`;
    if (typeof profile.sha256 !== 'string' || !SHA256.test(profile.sha256)) return `${at}.profile.sha256: a SHA-256`;
  }
  return null;
}

/** `accepted.json` of the node, for this line; null where it has none, or this account may not see it. */
function acceptedBy(state, line) {
  const path = join(state, 'accepted.json');
  let bytes;
  try {
    bytes = bytesOf(path, MOST_STATE);
  } catch (error) {
    if (error.found === 'nothing' || /^nothing that may|cannot be read/.test(error.found ?? '')) return null;
    throw new Fault('accepted', `${path} cannot be read`, 'a regular file', error.found ?? error.message, 'see `reseal node inspect`');
  }
  try {
    const all = JSON.parse(bytes.toString('utf8'));
    const own = all[line] ?? [];
    if (Array.isArray(own) && own.every((one) => SHA256.test(one))) return own;
  } catch {
    // Said below.
  }
  throw new Fault(
    'accepted',
    `${path} is not what reseal writes`,
    'a list of digests per line',
    `${bytes.length} bytes of something else`,
    'see `reseal node inspect`',
  );
}

/** Folder of the line: above `profiles.json`, and on a published volume above the node's own folder. */
function rootOf(path) {
  const folder = dirname(path);
  return basename(dirname(folder)) === 'nodes' ? dirname(dirname(folder)) : folder;
}

/** The manifests that the node accepts, the active one first; what of them cannot be read is left out, and named. */
function acceptedManifests(active, accepted) {
  const unread = [];
  const others = accepted.flatMap((digest) => {
    if (digest === active.sha256) return [];
    const path = join(rootOf(active.path), 'manifests', `${digest}.json`);
    try {
      const manifest = readManifest(path);
      if (manifest.sha256 === digest && manifest.line === active.line) return [manifest];
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
    unread.push(digest);
    return [];
  });
  return { manifests: [active, ...others], unread };
}

// ----------------------------------------------------------------------------------------------------------------- the checks

const reason = (check, message, expected, found, next) => ({ check, message, expected, found, next });

const entriesFor = (manifest, node) => manifest.entries.filter((entry) => entry.holder === undefined || entry.holder === node);

function checkManifest(expected, active, { manifests, unread }, accepted, exact) {
  const reasons = [];
  if (accepted !== null && !accepted.includes(active.sha256))
    reasons.push(
      reason(
        'accepted',
        'the node does not accept the manifest that is active on it',
        active.sha256,
        accepted.join(', ') || 'none',
        'run `reseal node inspect`; something else than reseal has written profiles.json',
      ),
    );
  const fitting = (exact ? [active] : manifests).find((one) => matches(expected, one));
  if (fitting === undefined) {
    const known = manifests.find((one) => matches(expected, one));
    const found = manifests.map((one) => (expected.length === 40 ? one.sha1 : one.sha256)).join(', ');
    const lost = unread.length === 0 ? '' : `; accepted too and not readable: ${unread.join(', ')}`;
    reasons.push(
      known === undefined
        ? reason(
            'manifest',
            'the node does not have the expected manifest',
            expected,
            `${found}${lost}`,
            'compare with `reseal node expected`; where the node is behind, do not build on it',
          )
        : reason(
            'manifest',
            'the expected manifest is accepted and not the active one',
            expected,
            found,
            'leave out --exact, or take the digest of the active one',
          ),
    );
  }
  return { fitting, reasons };
}

function checkProfiles(manifest, node, folders) {
  const entries = entriesFor(manifest, node);
  if (entries.length === 0)
    return {
      checked: 0,
      reasons: [
        reason(
          'profiles',
          `the manifest has no profile for node ${node}`,
          'at least one',
          `entries of ${[...new Set(manifest.entries.map((one) => one.holder))].join(', ')}`,
          'say with --node or RESEAL_NODE which node of topology.yaml this is',
        ),
      ],
    };
  const profiles = new Map(entries.map(({ profile, bundleId }) => [profile.fileName, { ...profile, bundleId }]));
  const reasons = [];
  const problem = (path, bundleId, expected, found) =>
    reasons.push(
      reason(
        'profiles',
        `the profile of ${bundleId} is not as frozen: ${path}`,
        expected,
        found,
        'do not build here; `reseal node inspect` says what else is wrong with the node',
      ),
    );
  let checked = 0;
  for (const folder of folders) {
    if (kindOf(folder) === 'a symbolic link') problem(folder, 'every app', 'a folder', 'a symbolic link');
    for (const { fileName, sha256, bundleId } of profiles.values()) {
      const path = join(folder, fileName);
      checked += 1;
      try {
        const found = createHash('sha256').update(bytesOf(path, MOST_PROFILE)).digest('hex');
        if (found !== sha256) problem(path, bundleId, sha256, found);
      } catch (error) {
        problem(path, bundleId, sha256, error.found ?? error.message);
      }
    }
  }
  return { checked, reasons };
}

/** What the node itself says against what is expected; never a job's word against itself. */
function checkRegion(expected, found, state) {
  if (found === null)
    return {
      reasons: [],
      unknown: [
        reason(
          'region',
          'not checked: the node does not say its region',
          expected,
          `neither ${state}/node.json nor /etc/reseal-region`,
          'a rotation of reseal writes the first, a golden image has the second; what the job itself says does not count',
        ),
      ],
    };
  if (expected === found) return { reasons: [], unknown: [] };
  return {
    reasons: [reason('region', 'the node is in another region', expected, found, 'run the job on a runner of that region')],
    unknown: [],
  };
}

/**
 * What `security find-identity -v -p codesigning` prints, to the byte, or why there is nothing of it. It is ended with all that it has started: whoever hangs must
 * not keep this process. Waited for at once: a stream and its events take longer to load than everything else here that could be done meanwhile.
 */
function askForIdentities(timeout) {
  const { pid, status, signal, error, stdout } = spawnSync('security', ['find-identity', '-v', '-p', 'codesigning'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
    timeout,
    killSignal: 'SIGKILL',
    maxBuffer: MOST_OUTPUT,
  });
  if (error === undefined) return status === 0 ? { bytes: stdout } : { trouble: `it ended with ${status ?? signal}` };
  try {
    if (pid > 0) process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
  switch (error.code) {
    case 'ENOENT':
      return { trouble: 'there is no such program' };
    case 'ETIMEDOUT':
      return { trouble: `it did not end within ${timeout / 1000} s` };
    case 'ENOBUFS':
      return { trouble: `it printed more than ${MOST_OUTPUT} bytes` };
    default:
      return { trouble: `it cannot be run (${error.code ?? 'no reason given'})` };
  }
}

const ROW = /^ *[0-9]+\) (([0-9A-F]{40}) ".*?"(?: \(([A-Z0-9_]+)\))?)$/;

/** The rows, whatever language the sentence after them is in; its number says that they are all. */
function rowsOf(bytes) {
  const lines = bytes.toString('latin1').split('\n');
  if (lines.pop() !== '') return null;
  const [, count] = /^ *([0-9]+) /.exec(lines.pop() ?? '') ?? [];
  const rows = lines.map((line) => ROW.exec(line));
  if (rows.includes(null) || count === undefined || Number(count) !== rows.length) return null;
  return rows.map(([, text, sha1, annotation]) => ({ text, sha1: sha1.toLowerCase(), annotation }));
}

/** Without order, and without what is listed and cannot sign: the same text as in src/domain/node/identities.ts. */
const sortedRows = (rows) => [...new Set(rows.filter((row) => row.annotation === undefined).map((row) => `${row.sha1}\n`))].sort().join('');

const printed = (rows) =>
  Buffer.from(
    `${rows.map((row, index) => `${String(index + 1).padStart(3)}) ${row.text}\n`).join('')}     ${rows.length} valid identities found\n`,
    'latin1',
  );

/**
 * The summaries that the node accepts. Of itself: as printed, and sorted. In a window the node has the identities of two manifests: then also what it would print with
 * those of one of them alone.
 */
function summariesOf(bytes, rows, manifests, node) {
  const own = [digests(bytes), digests(sortedRows(rows))];
  if (manifests.length < 2) return own;
  const named = manifests.map((manifest) => new Set(entriesFor(manifest, node).map((entry) => entry.identity)));
  const without = named.map((mine) => rows.filter(({ sha1 }) => mine.has(sha1) || !named.some((other) => other.has(sha1))));
  return [...own, ...without.flatMap((left) => [digests(printed(left)), digests(sortedRows(left))])];
}

function checkSigning(expected, found, manifests, node) {
  if (found.trouble !== undefined)
    return {
      summary: null,
      reasons: [
        reason(
          'signing',
          '`security find-identity -v -p codesigning` gave no answer',
          expected,
          found.trouble,
          'run it in this session; a keychain window may be waiting on the screen of the node',
        ),
      ],
    };
  const rows = rowsOf(found.bytes);
  if (rows === null)
    return {
      summary: null,
      reasons: [
        reason(
          'signing',
          '`security find-identity` printed something else than macOS does',
          expected,
          `${found.bytes.length} bytes`,
          'look for another `security` on PATH',
        ),
      ],
    };
  const raw = digests(found.bytes);
  const sorted = digests(sortedRows(rows));
  const usable = new Set(rows.filter((row) => row.annotation === undefined).map((row) => row.sha1)).size;
  const summary = { raw: raw.sha256, sorted: sorted.sha256, usable };
  if (summariesOf(found.bytes, rows, manifests, node).some((one) => matches(expected, one))) return { summary, reasons: [] };
  const short = expected.length === 40 ? 'sha1' : 'sha256';
  const what = `${raw[short]} as printed, ${sorted[short]} sorted, ${usable} of ${rows.length} usable`;
  return {
    summary,
    reasons: [
      reason(
        'signing',
        'the node can sign with other identities than expected',
        expected,
        what,
        'compare with `reseal node expected`; `reseal node inspect` names what is missing, locked or too much',
      ),
    ],
  };
}

const AUTOMATIC = /\bCODE_SIGN_STYLE(?:\[[^\]]*\])?\s*[=:]>?\s*["']?automatic|\bsigningStyle\b["'\s:=>]*automatic/i;
const EXPLICIT = /\b(?:PROVISIONING_PROFILE(?:_SPECIFIER)?|RESEAL_PROFILE_\w+)(?:\[[^\]]*\])?=\S|\/settings\/[0-9a-f]{64}\//;
const BY_NAME = /\bPROVISIONING_PROFILE_SPECIFIER(?:\[[^\]]*\])?=(.+)$/;
const FETCHING = [
  { tools: ['match', 'sync_code_signing'], own: 'MATCH_READONLY', key: 'match' },
  { tools: ['sigh', 'get_provisioning_profile'], own: 'SIGH_READONLY', key: 'sigh' },
];
const BEFORE_A_TOOL = [undefined, 'fastlane', 'exec', 'run', '&&', '||', ';', '|'];
const YES = /^(?:1|true|yes)$/i;

/** S14: one way to sign, and nothing that fetches another profile than the frozen one. Names the argument. */
function checkBuildArguments(given, readOnlyTools) {
  const reasons = [];
  const findings = [];
  const say = (message, argument, expected, next) => reasons.push(reason('build-arguments', message, expected, argument, next));
  for (const argument of given)
    if (/-allowProvisioning(?:Updates|DeviceRegistration)\b/i.test(argument))
      say(
        'the build may fetch other profiles than the frozen ones',
        argument,
        'no -allowProvisioningUpdates',
        'take it out; profiles come by rotation',
      );
  const automatic = given.find((argument) => AUTOMATIC.test(argument));
  const explicit = given.find((argument) => EXPLICIT.test(argument));
  if (automatic !== undefined && explicit !== undefined)
    say(
      'automatic signing is mixed with explicit profiles',
      `${automatic} beside ${explicit}`,
      'CODE_SIGN_STYLE=Manual',
      'take out the automatic style; the rendered settings say Manual per target',
    );
  given.forEach((argument, at) => {
    const [, called = argument, inside = ''] = /^(\w+)[({](.*)/s.exec(argument) ?? [];
    const tool = FETCHING.find(({ tools }) => tools.includes(called));
    if (tool === undefined || (inside === '' && !BEFORE_A_TOOL.includes(given[at - 1]?.replace(/^.*[;|&]$/, '&&')))) return;
    if (!isReadOnly(given.slice(at), tool, [...given.slice(0, at), `${tool.own}=${readOnlyTools[tool.key] ?? ''}`]))
      say(
        `${called} may make or fetch other profiles than the frozen ones`,
        given.slice(at, at + 3).join(' '),
        `${called} with readonly`,
        'add --readonly (readonly: true in a lane), or take it out',
      );
  });
  for (const argument of given) {
    const specifier = BY_NAME.exec(argument)?.[1]?.trim() ?? '';
    if (specifier !== '' && !UUID.test(specifier) && !specifier.startsWith('$('))
      findings.push(`${argument} names a profile by name: two of one name are a matter of luck; name its UUID`);
  }
  return { reasons, findings };
}

function isReadOnly(command, { own }, before) {
  const end = command.findIndex((word) => /^(?:&&|\|\||;|\|)$/.test(word));
  const text = (end < 0 ? command : command.slice(0, end)).join(' ');
  const said = /readonly["']?\s*(?:[:=]>?\s*)?["']?\s*(true|false)?/i.exec(text);
  if (said !== null) return said[1] === undefined ? /--readonly(?:\s|$)/.test(text) : said[1].toLowerCase() === 'true';
  return before.some((word) => word.startsWith(`${own}=`) && YES.test(word.slice(own.length + 1)));
}

// ----------------------------------------------------------------------------------------------------------------------- pins

/** File names of a job's leases. Whatever a job is called, its name is only in the file. */
const pinPrefix = (job) => createHash('sha256').update(job).digest('hex').slice(0, 32);

function writeLease(folder, name, value) {
  const draft = join(folder, `.${name}.${randomUUID()}`);
  try {
    writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o644, flag: 'wx', flush: true });
    renameSync(draft, join(folder, name));
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** Keeps the manifest on the node for as long as the job takes; that pipelines do so is noted too. */
function pin({ state, pin: job, pipeline, pinFor }, manifest, node, accepts) {
  const folder = join(state, 'pins');
  const next = `let the account of this job write there: \`install -d -m 1777 ${folder}\`, by the owner of ${state}`;
  const now = Date.now();
  const name = `${pinPrefix(job)}.${manifest.line}.json`;
  const expires = new Date(now + pinFor).toISOString();
  try {
    if (kindOf(state) !== 'a folder') throw Object.assign(new Error('no state'), { code: `${state} is ${kindOf(state)}` });
    if (kindOf(folder) === 'nothing') mkdirSync(folder, { mode: 0o755 });
    if (kindOf(folder) !== 'a folder') throw Object.assign(new Error('no folder'), { code: `${folder} is ${kindOf(folder)}` });
    const bundles = [...new Set(entriesFor(manifest, node).map((entry) => entry.bundleId))].sort().slice(0, MOST_BUNDLES);
    const at = new Date(now).toISOString();
    writeLease(folder, `seen.${pinPrefix(pipeline ?? '')}.${manifest.line}.json`, { schemaVersion: 1, pipeline, at });
    writeLease(folder, name, { schemaVersion: 1, job, pipeline, bundles, line: manifest.line, manifest: manifest.sha256, at, expires });
  } catch (error) {
    return {
      pinned: null,
      reasons: [
        reason(
          'pin',
          'the manifest could not be pinned, so it may be retired while this job runs',
          join(folder, name),
          error.code ?? error.message,
          next,
        ),
      ],
    };
  }
  // From here on whoever retires it sees the lease. Who was just about to has un-accepted it already.
  if (accepts()) return { pinned: { manifest: manifest.sha256, expires }, reasons: [] };
  rmSync(join(folder, name), { force: true });
  return {
    pinned: null,
    reasons: [
      reason(
        'pin',
        'the manifest was retired in this very moment',
        manifest.sha256,
        'a node that no longer accepts it',
        'begin the job again with the manifest that is active now',
      ),
    ],
  };
}

function unpin({ state, line, unpin: job }) {
  const folder = join(state, 'pins');
  const prefix = pinPrefix(job);
  const gone = entriesOf(folder).filter(
    (name) => name.startsWith(`${prefix}.`) && (line === undefined || name === `${prefix}.${line}.json`),
  );
  try {
    for (const name of gone) rmSync(join(folder, name), { force: true });
  } catch (error) {
    throw new Fault(
      'pin',
      'the lease could not be given back',
      `no ${folder}/${prefix}.*`,
      error.code ?? error.message,
      `remove it by the account that made it`,
    );
  }
  return gone.length;
}

// ------------------------------------------------------------------------------------------------------------------- the gate

function judge(options, record) {
  const rendered = renderedOn(options.state);
  const path = locate(options, options.node ?? rendered.node ?? shortHost());
  const active = readManifest(path);
  if (options.line !== undefined && options.line !== active.line)
    throw new Fault(
      'manifest',
      `${path} is of another line`,
      options.line,
      active.line,
      'name the manifest of that line with --manifest or RESEAL_PROFILES',
    );
  const published = basename(dirname(dirname(path))) === 'nodes' ? basename(dirname(path)) : undefined;
  const node = options.node ?? published ?? rendered.node ?? shortHost();
  Object.assign(record, { node, line: active.line, active: active.sha256 });
  const accepted = acceptedBy(options.state, active.line);
  const all = acceptedManifests(active, accepted ?? [active.sha256]);
  const manifest = checkManifest(options.expectManifest, active, all, accepted, options.exact);
  const profiles = manifest.fitting === undefined ? { checked: 0, reasons: [] } : checkProfiles(manifest.fitting, node, options.folders);
  const signing = checkSigning(options.expectSigning, askForIdentities(options.timeout), options.exact ? [active] : all.manifests, node);
  const build = checkBuildArguments(options.buildArgs, options.readOnlyTools);
  const nodeRegion = rendered.region ?? options.imageRegion;
  const region = checkRegion(options.region, nodeRegion, options.state);
  const wrong = [...manifest.reasons, ...profiles.reasons, ...region.reasons, ...signing.reasons, ...build.reasons];
  const reasons = [...wrong, ...region.unknown];
  Object.assign(record, {
    manifest: manifest.fitting?.sha256 ?? null,
    parallel: accepted !== null && accepted.length > 1,
    profiles: profiles.checked,
    identities: signing.summary,
    region: nodeRegion,
    findings: build.findings,
    reasons,
  });
  record.verdict = wrong.length > 0 ? 'fail' : reasons.length > 0 ? 'inconclusive' : 'pass';
  if (reasons.length === 0 && options.pin !== undefined) {
    const accepts = () => accepted === null || (acceptedBy(options.state, active.line) ?? []).includes(manifest.fitting.sha256);
    const pinFor = options.pinFor ?? rendered.longestBuild ?? DEFAULT_LEASE;
    const lease = pin({ ...options, pinFor }, manifest.fitting, node, accepts);
    Object.assign(record, { pin: lease.pinned, reasons: lease.reasons, verdict: lease.pinned === null ? 'fail' : 'pass' });
  }
}

/** What people read: control characters of other people's making are shown, not sent. */
const plain = (text) =>
  text.replace(new RegExp(NOT_PLAIN, 'gu'), (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

function sentences({ verdict, node, region, line, parallel, active, manifest, pin: lease, released, findings = [], reasons }) {
  const where = [node, region && `region ${region}`, line && `line ${line}`].filter(Boolean).join(', ');
  const lines = [`signing gate: ${verdict}${where === '' ? '' : ` (${where})`}`];
  if (active)
    lines.push(
      `  active ${active}${manifest && manifest !== active ? `, built with ${manifest}` : ''}${parallel ? ', parallel: true' : ''}`,
    );
  if (lease) lines.push(`  pinned until ${lease.expires}`);
  if (released !== undefined) lines.push(released === 0 ? '  there was no such pin' : '  the pin is given back');
  for (const { check, message, expected, found, next } of reasons)
    lines.push(`  ${check}: ${message}`, `    expected ${expected}`, `    found    ${found}`, `    next     ${next}`);
  for (const finding of findings) lines.push(`  note: ${finding}`);
  return lines.map(plain);
}

const EXITS = { pass: 0, fail: 1, inconclusive: 2, error: 2 };

function main(argv, env) {
  const record = {
    schemaVersion: 1,
    gate: 'signing-context',
    at: new Date().toISOString(),
    verdict: 'error',
    node: env.RESEAL_NODE || shortHost(),
  };
  let format = argv.some((word, at) => word === '--format=json' || (word === '--format' && argv[at + 1] === 'json')) ? 'json' : 'text';
  try {
    const options = settings(argv, env);
    if (options.help) return process.stdout.write(`${USAGE}\n`);
    ({ format } = options);
    Object.assign(record, { node: options.node ?? record.node, image: options.image, reasons: [] });
    if (options.unpin !== undefined) Object.assign(record, { released: unpin(options), verdict: 'pass' });
    else judge(options, record);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    Object.assign(record, { verdict: 'error', reasons: [error.reason] });
  }
  process.exitCode = EXITS[record.verdict];
  process.stdout.write(`${JSON.stringify(record)}\n`);
  if (format === 'text') process.stderr.write(`${sentences(record).join('\n')}\n`);
}

main(process.argv.slice(2), process.env);
