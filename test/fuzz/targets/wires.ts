import { parseJournal } from '../../../activities/node/index.js';
import { parsePinFile, pinsSeen, nodePins } from '../../../src/domain/node/pins.js';
import * as canary from '../../../src/node-shell/canary/wire.js';
import { refusalOf } from '../../../src/node-shell/canary/requests.js';
import { AnswerReader, bytesOf as bytesOfBody, nameOf } from '../../../src/node-shell/ssh/wire.js';
import * as sidecar from '../../../src/sidecar/wire.js';
import { parseKeys } from '../../../src/temporal/codec/key-file.js';
import { parseIdentity } from '../../../src/temporal/worker-identity.js';
import { own } from '../corpus.js';
import { bytesOf, textOf, tokens, type Target } from '../target.js';

const JSON_TOKENS = tokens(
  '{',
  '}',
  '[',
  ']',
  '"',
  ':',
  ',',
  'null',
  '0',
  '-1',
  '1e999',
  '"__proto__":{},',
  '\n',
  '\0',
  '\\ud800',
  '{"a":',
  '\u2028',
);

/** What is at the other end of an SSH connection, in pieces of any length. */
export const sshAnswer: Target = {
  name: 'ssh-answer',
  seeds: [bytesOf('=/mnt\n=file\n.ok|1|2\n.no|gone\n'), bytesOf(':name\n%\\0141\\0012\n.ok\n'), bytesOf('QUJD\nREVG\n.ok|6\n')],
  tokens: tokens('.ok', '.ok|', '.no|', '.', '=', '\n', '|', '%', '\\0777', '\\0', '\0', '\r\n', Uint8Array.of(0xff), Uint8Array.of(0xc3)),
  run: (input) => {
    const reader = new AnswerReader();
    const half = Math.floor(input.length / 2);
    for (const piece of [input.subarray(0, half), input.subarray(half)]) {
      for (const { body } of reader.take(Buffer.from(piece))) {
        bytesOfBody(body);
        body.map(nameOf);
      }
    }
  },
  mayThrow: (error) => error instanceof Error && error.message.startsWith('unexpected line'),
};

/** A node's own journal: whoever may write to its state folder may write anything there. */
export const journal: Target = {
  name: 'journal',
  seeds: [own('journal')],
  tokens: [...JSON_TOKENS, ...tokens('"token":null', '"phase":"intent"', '"line":{}', 'null\n', '5\n', '[]\n', '"seq":"x"')],
  run: (input) => {
    for (const entry of parseJournal(textOf(input))) {
      if (!Number.isFinite(entry.seq) || !Number.isFinite(entry.epoch) || typeof entry.line !== 'string')
        throw new Error(`an entry counts that is none: ${JSON.stringify(entry)}`);
    }
  },
};

/** Pins, which builds write, and lines of the local services. */
export const localFiles: Target = {
  name: 'local-files',
  seeds: [
    bytesOf(
      JSON.stringify({ job: 'j1', pipeline: 'courier', bundles: ['com.acme.courier'], manifest: 'a'.repeat(64), at: '2026-11-29T09:14:07Z', expires: '2026-11-29T10:14:07Z' }),
    ),
    bytesOf(canary.requestLine({ program: 'security', args: ['find-identity', '-v', '-p', 'codesigning'], stdin: '', timeout: 1_000 })),
    bytesOf(canary.requestLine({ program: 'security', args: ['-i'], stdin: 'show-keychain-info "/Users/b/x.keychain-db"\n', timeout: 1_000 })),
    bytesOf(canary.answerLine({ code: 0, stdout: 'x', stderr: '', expired: false })),
    bytesOf(JSON.stringify({ schemaVersion: 1, keys: [{ id: 'k-2026-11', for: 'control', status: 'active', since: '2026-11-29T09:14:07Z', key: 'A'.repeat(43) }] })),
    bytesOf('host:12:1700000000000:0123abcd:0.1.0:k-1,k-2'),
  ],
  tokens: [...JSON_TOKENS, ...tokens('--sign', '-i', '"-o"', '../', '\\"', 'seen.', 'find-identity', 'unlock-keychain ', 'show-keychain-info ', '\\n')],
  run: (input) => {
    const text = textOf(input);
    const files = ['a.ios-main.json', 'seen.a.ios-main.json'].flatMap((name) => parsePinFile(name, text) ?? []);
    pinsSeen(nodePins(files, 0));
    const request = canary.parseRequest(text);
    if (request !== null) refusalOf(request, ['/var/reseal/bundles']);
    canary.parseAnswer(text);
    sidecar.parseRequest(text);
    sidecar.parseAliases(text);
    sidecar.parseSigned(text);
    parseIdentity(text);
    parseKeys(text, 'keys.json');
  },
}; // prettier-ignore
