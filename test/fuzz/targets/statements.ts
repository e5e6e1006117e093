import { canonicalBytes } from '../../../src/statement/canonical.js';
import { parsePublicKey, readPublicKey } from '../../../src/statement/ssh-key.js';
import { verifySignature } from '../../../src/statement/sshsig.js';
import { standingOf } from '../../../src/statement/standing.js';
import { claimsOf, type ImportJudges } from '../../../activities/imports/claims.js';
import { readMandate } from '../../../src/domain/mandate.js';
import { readScheduleMandate } from '../../../src/domain/schedule-mandate.js';
import { readExportStatement } from '../../../src/domain/exports/statement.js';
import { readStatement } from '../../../src/domain/rotation/statement.js';
import { reportStatement, signedAnswer } from '../../../src/domain/node/report-signature.js';
import { newMachineKey, readMachineKey, reportSignature } from '../../../src/statement/machine-key.js';
import { readJson } from '../../../src/schema/json-text.js';
import { CommandOrSignedBody, StartOrSignedBody } from '../../../src/api/routes.js';
import { HandoffSchema } from '../../../src/schema/handoff.js';
import { handoffSignature } from '../../../src/statement/handoff.js';
import type { LineName, NodeName, PersonId, Sha256 } from '../../../src/domain/brands.js';
import { own, ownText } from '../corpus.js';
import { bytesOf, textOf, tokens, type Target } from '../target.js';

const NAMESPACE = 'reseal-approval-v1';
const MESSAGE = bytesOf('{"a":1}');
const KEYS = ['ed25519', 'ecdsa', 'rsa'] as const;
const LINES = KEYS.map((name) => ownText(`${name}.pub`));

const armoredBytes = (name: string): Uint8Array =>
  Buffer.from(
    ownText(`${name}.sshsig`)
      .split('\n')
      .filter((line) => !line.startsWith('-'))
      .join(''),
    'base64',
  );
const armored = (bytes: Uint8Array): string =>
  `-----BEGIN SSH SIGNATURE-----\n${Buffer.from(bytes).toString('base64')}\n-----END SSH SIGNATURE-----\n`;

const isRangeError = (error: unknown): boolean => error instanceof RangeError;

/** A signature's text, as it comes with a statement. It never throws. */
export const sshsig: Target = {
  name: 'sshsig',
  seeds: KEYS.map((name) => own(`${name}.sshsig`)),
  tokens: tokens('-----BEGIN SSH SIGNATURE-----', '-----END SSH SIGNATURE-----', '\n', ' ', '=', 'AAAA', 'U1NIU0lH', '\0'),
  run: (input) => {
    verifySignature(textOf(input), MESSAGE, NAMESPACE);
  },
};

/** What is in that text, and keys as rosters have them. */
export const sshsigParts: Target = {
  name: 'sshsig-parts',
  seeds: [...KEYS.map(armoredBytes), ...LINES.map((line) => Buffer.from(line.split(' ')[1] ?? '', 'base64'))],
  tokens: tokens('SSHSIG', 'ssh-ed25519', 'ssh-rsa', 'ecdsa-sha2-nistp521', 'sk-ssh-ed25519@openssh.com', 'rsa-sha2-512', NAMESPACE, Uint8Array.of(0, 0, 0, 0), Uint8Array.of(0, 0, 0, 1), Uint8Array.of(0x80)),
  run: (input) => {
    verifySignature(armored(input), MESSAGE, NAMESPACE);
    try {
      parsePublicKey(`ssh-ed25519 ${Buffer.from(input).toString('base64')} ada`);
    } catch (error) {
      if (!isRangeError(error)) throw error;
    }
    readPublicKey(input);
  },
  mayThrow: isRangeError,
}; // prettier-ignore

const SHA = 'a'.repeat(64);
const STATEMENT = {
  ...{ schemaVersion: 1, says: 'approve', installation: 'acme', mode: 'production', line: 'ios-main', person: 'ada', ticket: 'CHG-1' },
  ...{ nonce: '0123456789abcdef0123456789abcdef', issuedAt: '2026-11-29T09:14:07Z', expiresAt: '2026-11-29T10:14:07Z', rotation: 'ios-main-7' },
  epoch: 7000,
  binds: { gate: 'signoff', gateNonce: 'n', from: SHA, to: SHA, topology: SHA, policy: SHA, cohorts: SHA, canaryReport: SHA, roster: SHA },
}; // prettier-ignore
const EXPORT = {
  ...{
    schemaVersion: 1,
    says: 'export-approve',
    installation: 'acme',
    mode: 'production',
    line: 'ios-main',
    person: 'ada',
    ticket: 'CHG-1',
  },
  ...{ nonce: '0123456789abcdef0123456789abcdef', issuedAt: '2026-11-29T09:14:07Z', expiresAt: '2026-11-29T10:14:07Z' },
  binds: {
    ...{
      identity: 'a'.repeat(40),
      serial: '5F2C',
      certificateExpiresAt: '2026-11-29T10:14:07Z',
      node: 'ams-1',
      receiver: 'safe',
      recipient: `age1${'q'.repeat(58)}`,
    },
    ...{ fetchWithin: 1000, reason: 'escrow', export: '97134e8c-1f2a3b4c', requestedBy: 'rita', request: SHA, roster: SHA },
  },
};
const ENVELOPE = {
  ...{ schemaVersion: 1, installation: 'acme', line: 'ios-main', profile_manifest_sha: SHA, pipeline: 'courier', job: 'j1', bundles: ['com.acme.courier'] },
  ...{ artifact: { name: 'Courier.ipa', sha256: SHA }, issuedAt: '2026-11-29T09:14:07Z', expiresAt: '2026-11-29T10:14:07Z' },
}; // prettier-ignore
const JSON_TOKENS = tokens(
  ...['{"a":', '[', ']', '{', '}', ',', ':', '"', '"__proto__":{"x":1},', '"constructor":{},', '"toJSON":1,', '"statement":{},', '\\ud800', '\\u0000'],
  ...['1e999', '-0', '1e-400', '9007199254740993', 'null', 'true', '""', '"says":"start",', '"binds":', '"\\udfff":1,', '\ud7ff', '\u2028', '/**/'],
  ...[Uint8Array.of(0xff), Uint8Array.of(0xed, 0xa0, 0x80)],
); // prettier-ignore
/** As every door reads it that takes JSON; undefined where it is none. */
const jsonOf = (text: string): unknown => {
  const read = readJson(text);
  return 'value' in read ? read.value : undefined;
};
const jsonSeed = (value: unknown): Uint8Array => bytesOf(JSON.stringify(value));

const IMPORT = {
  ...{ schemaVersion: 1, says: 'profile-import', installation: 'acme', mode: 'production', line: 'ios-main', person: 'ada', ticket: 'CHG-1' },
  ...{ nonce: '0123456789abcdef0123456789abcdef', issuedAt: '2026-02-28T09:14:07Z', expiresAt: '2026-02-28T10:14:07Z', profiles: [SHA] },
}; // prettier-ignore
const JUDGES: ImportJudges = {
  adopted: [],
  roster: { schemaVersion: 1, persons: [{ id: 'ada' as PersonId, name: 'Ada', roles: ['r'], keys: [] }], roles: { r: ['import'] } },
  authority: { installation: 'acme', mode: 'production', assurance: 'signature', keys: { ['ada' as PersonId]: LINES } },
  line: 'ios-main' as LineName,
  key: readMachineKey(newMachineKey(), 'the installation', 'reseal order-key new'),
  now: Date.parse('2026-03-01T09:00:00Z'),
};

/** What people sign, from the body of a request to what a workflow is asked to judge. */
export const statement: Target = {
  name: 'statement',
  seeds: [
    jsonSeed({ statement: STATEMENT, signature: ownText('ed25519.sshsig') }),
    jsonSeed({ line: 'ios-main', by: 'ada', ticket: 'CHG-1', at: '+7d', successors: ['753bad01-23c2-521a-b90e-d56f6e4bb7e8'] }),
    jsonSeed({ by: 'ada', ticket: 'CHG-1', digest: SHA, reason: 'because', nodes: ['a', 'b'] }),
    jsonSeed(STATEMENT),
    jsonSeed(EXPORT),
    jsonSeed({ kind: 'import', schemaVersion: 1, by: 'ada', signed: { statement: IMPORT, signature: ownText('ed25519.sshsig') } }),
  ],
  tokens: JSON_TOKENS,
  run: (input) => {
    const given = jsonOf(textOf(input));
    if (given === undefined) return;
    readStatement(given);
    readExportStatement(given);
    readMandate(given);
    readScheduleMandate(given);
    claimsOf({ subject: { kind: 'profile', sha256: SHA as Sha256 }, recorded: 'ada', kept: [given] }, JUDGES);
    StartOrSignedBody.safeParse(given);
    const body = CommandOrSignedBody.safeParse(given).data;
    if (body !== undefined && 'statement' in body) {
      readStatement(body.statement);
      standingOf(body.statement, body.signature, NAMESPACE, LINES);
    }
    if (typeof given === 'object' && given !== null) canonicalBytes(given);
  },
  // JSON cannot hold it: half of a surrogate pair, more levels than the reader follows.
  mayThrow: (error) => error instanceof TypeError && error.message.startsWith('JSON cannot hold this statement'),
};

export const handoff: Target = {
  name: 'handoff',
  seeds: [jsonSeed({ envelope: ENVELOPE, signature: ownText('ecdsa.sshsig') })],
  tokens: JSON_TOKENS,
  run: (input) => {
    const read = HandoffSchema.safeParse(jsonOf(textOf(input))).data;
    if (read !== undefined) handoffSignature(read.envelope, read.signature, LINES);
  },
};

/** What comes back from a node, or from whoever answers in its place. */
export const nodeReport: Target = {
  name: 'node-report',
  seeds: [
    jsonSeed({ body: { node: 'ams-1', probes: [{ name: 'sign', verdict: 'pass' }], at: 1, summary: null }, signature: ownText('ed25519.sshsig') }),
    jsonSeed({ node: 'ams-1', outcome: 'done' }),
  ],
  tokens: JSON_TOKENS,
  run: (input) => {
    const signed = signedAnswer(jsonOf(textOf(input)));
    if (signed === null) return;
    const order = { line: 'ios-main' as LineName, rotation: 'ios-main-7', epoch: 7000, opId: 'x', node: 'ams-1' as NodeName };
    reportSignature(reportStatement('probeNodes', order, 'nonce', signed.body), signed.signature, LINES);
  },
}; // prettier-ignore
