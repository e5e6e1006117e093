import { ResealError } from '../../domain/errors.js';
import type { SshTarget } from './settings.js';

/** What the OpenSSH client says (messages of ssh(1), 9.x and before), and what a person can do about it. */
const CAUSES: readonly (readonly [RegExp, string])[] = [
  [
    /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    'its host key is not the pinned one. Somebody may be in between: compare the key on the node itself, and only then correct known_hosts',
  ],
  [
    /Host key verification failed|No .* host key is known/,
    'its host key is not pinned. Read the key off the node itself and add it to known_hosts',
  ],
  [
    /Permission denied/,
    'it does not let this gateway in. Check the account, its authorized_keys, and the agent or certificate that the gateway offers',
  ],
  [/Connection refused/, 'nothing listens there. Turn on remote login on it, or correct host and port in topology.yaml'],
  [/timed out|Timeout|Operation now in progress/, 'it does not answer. Check whether it is awake and the network between'],
  [
    /No route to host|Network is unreachable/,
    'there is no way to it in the network. Check the network, or correct the host in topology.yaml',
  ],
  [/Could not resolve hostname|Name or service not known/, 'its host name is not known. Correct it in topology.yaml, or the name service'],
  [
    /command not found|not found|No such file or directory/,
    'reseal-node is not installed there. `reseal node script` prints what to install',
  ],
  [/ENOENT/, 'this gateway has no OpenSSH client. Install one'],
];

/** @param said what ssh wrote, or what was seen instead of an answer @param code of ssh, where it has ended */
export function connectionFailure({ node, host, port, user }: SshTarget, said: string, code: number | null = null): ResealError {
  const known = CAUSES.find(([pattern]) => pattern.test(said))?.[1];
  const last = said.trim().split('\n').at(-1)?.trim().slice(0, 200) ?? '';
  const what =
    known ?? (last === '' ? `the connection broke${code === null ? '' : ` (ssh ended with ${code})`}. It is tried again by itself` : last);
  return new ResealError('NODE_UNREACHABLE', `Node ${node} is not reachable as ${user}@${host}:${port}: ${what}.`);
}

/** Messages of strerror(3) in the C locale, which macOS and Linux share. */
const CODES: readonly (readonly [string, string])[] = [
  ['No space left on device', 'ENOSPC'],
  ['Disk quota exceeded', 'EDQUOT'],
  ['Permission denied', 'EACCES'],
  ['Read-only file system', 'EROFS'],
  ['Not a directory', 'ENOTDIR'],
  ['Is a directory', 'EISDIR'],
  ['Directory not empty', 'ENOTEMPTY'],
  ['File exists', 'EEXIST'],
  ['Operation not permitted', 'EPERM'],
  ['No such file or directory', 'ENOENT'],
];

/** What a command on the node complained of, as an error with the code of its system call. */
export function complaintOf(text: string): Error {
  const code = CODES.find(([said]) => text.includes(said))?.[1];
  const error = new Error(text);
  return code === undefined ? error : Object.assign(error, { code });
}
