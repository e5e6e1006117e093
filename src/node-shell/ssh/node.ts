import { hash, randomUUID } from 'node:crypto';
import { posix } from 'node:path';
import type { Exchange } from '../socket/exchange.js';
import type { Instant, NodeName, Sha256 } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import type { PasswordSource } from '../../domain/topology.js';
import type { CommandResult, Digested, Extent, Found, NodeCommand, NodePath, NodeShell, PreparedFile } from '../contract.js';
import { readFailed, writeFailed } from '../failures.js';
import { readPassword } from '../password.js';
import { complaintOf } from './failures.js';
import type { SshSession } from './session.js';
import type { SshSessions } from './sessions.js';
import type { SshTarget } from './settings.js';
import { bytesOf, field, nameOf, printed, textOf } from './wire.js';

/** What `reseal-node.sh` takes at once. */
const DIGESTS_AT_ONCE = 16;
const FOLDERS_AT_ONCE = 8;
const MOST_ARGUMENTS = 12;
/** Seconds that the end of a command may come after its time: `reseal-node.sh` looks every five, and gives what it ends two more. */
const LATE = 20;
/** A line of sha256sum or shasum; they put a backslash before the digest where the file's name has one. */
const DIGEST = /^\\?([0-9a-f]{64}) /;

/**
 * The files of a node that is reached over SSH, by requests to `reseal-node.sh` there. Its locks belong to the connection: when that breaks
 * while one is held, everything after it fails, and the node takes the lock from the dead session.
 */
export class SshNode implements NodeShell {
  readonly node: NodeName;
  /** Over SSH everything is one account. */
  readonly signingFolder = null;
  private session: SshSession | null = null;
  /** Those that this node's session has made and not removed. */
  private readonly locks = new Set<string>();

  constructor(
    private readonly target: SshTarget,
    private readonly sessions: SshSessions,
  ) {
    this.node = target.node;
  }

  /** What runs on a node over SSH is the fixed script, which asks nobody. */
  async askService({ listener }: Exchange): Promise<string> {
    return `${listener.name} is asked from the machine that its socket is on, and not over SSH. Run an agent there`;
  }

  resolve(path: NodePath): string {
    const { user, host, port } = this.target;
    return `ssh://${user}@${host}:${port}/${path.startsWith('~') ? path : posix.normalize(path)}`;
  }

  async reach(): Promise<void> {
    await this.ask('read', '/', 'ping');
  }

  async now(): Promise<Instant> {
    const { body } = await this.ask('read', '/', 'now');
    return Number(body[0]) * 1000;
  }

  async read(path: NodePath): Promise<Found> {
    const { fields, body } = await this.ask('read', path, 'read', await this.at(path));
    return foundOf(fields[0], (kind) => ({ kind, bytes: new Uint8Array(bytesOf(body)) }));
  }

  /** The node's shell loses what it cannot hold; the digest tells. */
  async shortText(path: NodePath, sha256: Sha256): Promise<string | null> {
    const { body } = await this.ask('read', path, 'text', await this.at(path));
    const text = textOf(body);
    return hash('sha256', text) === sha256 ? text : null;
  }

  async digests(paths: readonly NodePath[]): Promise<readonly Digested[]> {
    const parts = await Promise.all(
      portions(paths, DIGESTS_AT_ONCE).map(async (part) => {
        const { body } = await this.ask('read', part[0] ?? '', 'digests', ...(await Promise.all(part.map((path) => this.at(path)))));
        const digests = body.slice(part.length).map((line) => DIGEST.exec(line)?.[1] as Sha256 | undefined);
        return body.slice(0, part.length).map((what) => foundOf(what, (kind) => ({ kind, sha256: this.known(digests.shift()) })));
      }),
    );
    return parts.flat();
  }

  async list(folder: NodePath): Promise<readonly string[]> {
    const { body } = await this.ask('read', folder, 'list', await this.at(folder));
    return body.map(nameOf).sort();
  }

  async missingFolders(folder: NodePath): Promise<readonly NodePath[]> {
    const { body } = await this.ask('read', folder, 'missing', await this.at(folder));
    return [...body].reverse();
  }

  async makeFolder(folder: NodePath): Promise<void> {
    await this.ask('create the folder', folder, 'mkdir', await this.at(folder));
  }

  async removeEmptyFolder(folder: NodePath): Promise<void> {
    await this.ask('remove the folder', folder, 'rmdir', await this.at(folder));
  }

  async prepare(path: NodePath, bytes: Uint8Array, mode: number, owner: string): Promise<PreparedFile> {
    const name = `.reseal-${owner.replace(/[^A-Za-z0-9-]/g, '-').slice(0, 80)}-${randomUUID()}.tmp`;
    const temporary = `${posix.dirname(path)}/${name}`;
    const [from, to] = await Promise.all([this.at(temporary), this.at(path)]);
    let done = false;
    const discard = async (): Promise<void> => {
      if (!done) await this.ask('remove', temporary, 'remove', from).catch(() => undefined);
      done = true;
    };
    try {
      await this.ask('write', path, 'put', from, mode.toString(8), Buffer.from(bytes).toString('base64'));
    } catch (error) {
      await discard();
      throw error;
    }
    return {
      commit: async () => {
        await this.ask('replace', path, 'rename', from, to);
        done = true;
      },
      discard,
    };
  }

  async move(from: NodePath, to: NodePath): Promise<void> {
    await this.ask('move away', from, 'move', await this.at(from), await this.at(to));
  }

  async syncFolders(folders: Iterable<NodePath>): Promise<void> {
    await Promise.all(
      portions([...new Set(folders)], FOLDERS_AT_ONCE).map(async (part) =>
        this.ask('sync the folder', part[0] ?? '', 'sync', ...(await Promise.all(part.map((folder) => this.at(folder))))),
      ),
    );
  }

  async append(path: NodePath, text: string): Promise<Extent> {
    await this.ask('append to', path, 'append', await this.at(path), Buffer.from(text, 'utf8').toString('base64'));
    return (await this.extent(path)) ?? { file: '', size: 0 };
  }

  async extent(path: NodePath): Promise<Extent | null> {
    const { body } = await this.ask('read', path, 'extent', await this.at(path));
    const [file = '', size = ''] = body[0]?.split(' ') ?? [];
    return file === '' ? null : { file, size: Number(size) };
  }

  async tail(path: NodePath, start: number): Promise<Uint8Array> {
    const { body } = await this.ask('read', path, 'tail', await this.at(path), `${start}`);
    return new Uint8Array(bytesOf(body));
  }

  async exists(path: NodePath): Promise<boolean> {
    const { fields } = await this.ask('read', path, 'exists', await this.at(path));
    return fields[0] === 'yes';
  }

  /**
   * A lock is named after the session that makes it, and made on that very session: one that was opened since would be no owner of it. It is held from
   * before it is asked for, so that nobody takes the connection away in the moment in which it is there.
   */
  async createLock(path: NodePath, owner: string): Promise<boolean> {
    const to = await this.at(path);
    const session = await this.connected();
    if (!owner.startsWith(`${session.identity}:`))
      throw new ResealError(
        'NODE_UNREACHABLE',
        `Node ${this.node}: the connection broke while its lock was waited for. The operation is tried again by itself.`,
      );
    this.sessions.hold(session, 1);
    let made = false;
    try {
      const { fields } = await this.askOn(session, 'create the lock', path, 'link', to, field(owner));
      made = fields[0] === 'made';
    } finally {
      if (!made) this.sessions.hold(session, -1);
    }
    if (made) this.locks.add(path);
    return made;
  }

  async createNote(path: NodePath, text: string): Promise<void> {
    await this.ask('create the note', path, 'link', await this.at(path), field(text));
  }

  async readLink(path: NodePath): Promise<string | null> {
    const { fields } = await this.ask('read', path, 'readlink', await this.at(path));
    const text = fields.join('|');
    return text.startsWith('=') ? text.slice(1) : null;
  }

  async remove(path: NodePath): Promise<void> {
    await this.ask('remove', path, 'remove', await this.at(path));
    if (this.locks.delete(path) && this.session !== null) this.sessions.hold(this.session, -1);
  }

  async run({ program, args, stdin = '', timeout }: NodeCommand): Promise<CommandResult> {
    if (args.length > MOST_ARGUMENTS)
      throw new ResealError('INTERNAL', `${program} was given ${args.length} arguments; over SSH it takes ${MOST_ARGUMENTS}.`);
    const seconds = Math.ceil(timeout / 1000);
    let session = await this.connected();
    while (session.ended) session = await this.connected();
    // An argument of nothing is told from one that is missing.
    const fields = ['run', `${seconds}`, field(stdin), program, ...args.map((one) => (one === '' ? '%' : field(one)))];
    const { end, body } = await session.ask(fields, (seconds + LATE) * 1000);
    if (!end.ok) throw readFailed(this.node, program, complaintOf(end.complaint));
    const [code = '', expired = ''] = end.fields.slice(-2);
    const output = printed(body);
    return { code: Number(code), stdout: output('out'), stderr: output('err'), expired: expired === 'yes' };
  }

  async identity(): Promise<string> {
    return (await this.connected()).identity;
  }

  async isRunning(identity: string): Promise<boolean> {
    const [pid = '', start = ''] = identity.split(':');
    if (!/^[1-9]\d*$/.test(pid)) return false;
    const { fields } = await this.ask('read', '/', 'alive', pid, field(start));
    return fields[0] !== 'no';
  }

  private known(digest: Sha256 | undefined): Sha256 {
    if (digest !== undefined) return digest;
    throw new ResealError(
      'NODE_UNREACHABLE',
      `Node ${this.node}: it did not say the digest of a file that it has. Look at sha256sum or shasum there.`,
    );
  }

  /** The path as the node's shell takes it. */
  async programPath(path: NodePath): Promise<string> {
    return path === '~' || path.startsWith('~/') ? `${(await this.connected()).home}${path.slice(1)}` : path;
  }

  password(source: PasswordSource): Promise<string> {
    return readPassword(this, source, {});
  }

  private async at(path: NodePath): Promise<string> {
    return field(await this.programPath(path));
  }

  private async connected(): Promise<SshSession> {
    const { session } = this;
    if (session !== null && !session.ended) return session;
    if (session !== null && this.locks.size > 0)
      throw new ResealError(
        'NODE_UNREACHABLE',
        `Node ${this.node}: the connection broke while its lock was held. Nothing more was done; the operation is tried again by itself.`,
      );
    this.session = await this.sessions.to(this.target);
    return this.session;
  }

  private async ask(doing: string, path: NodePath, ...fields: readonly string[]): Promise<Told> {
    for (;;) {
      const session = await this.connected();
      // It may have given way to another node's between then and now.
      if (!session.ended) return this.askOn(session, doing, path, ...fields);
    }
  }

  private async askOn(session: SshSession, doing: string, path: NodePath, ...fields: readonly string[]): Promise<Told> {
    const { end, body } = await session.ask(fields);
    if (end.ok) return { fields: end.fields, body };
    const cause = complaintOf(end.complaint);
    throw doing === 'read' || end.complaint.startsWith('the home folder')
      ? readFailed(this.node, path, cause)
      : writeFailed(this.node, path, doing, cause);
  }
}

interface Told {
  readonly fields: readonly string[];
  readonly body: readonly string[];
}

function foundOf<F>(
  what: string | undefined,
  file: (kind: 'file') => F,
): F | { readonly kind: 'absent' } | { readonly kind: 'other'; readonly what: string } {
  if (what === 'file') return file('file');
  return what === undefined || what === 'absent' ? { kind: 'absent' } : { kind: 'other', what };
}

function portions<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  const parts: T[][] = [];
  for (let start = 0; start < all.length; start += size) parts.push(all.slice(start, start + size));
  return parts;
}
