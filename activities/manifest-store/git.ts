import { join, resolve } from 'node:path';
import type { LineName, Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import { storeAddress } from '../../src/domain/store-address.js';
import { sha256Of } from '../../src/manifest/digest.js';
import type { SshSettings } from '../../src/node-shell/ssh/settings.js';
import { ClonedRepository } from './cloned-repository.js';
import { ContentCache } from './content-cache.js';
import type { Head, Imported, OpenStore, SealedFor, SealedIdentity, StoreContext, StoreItem } from './contract.js';
import { git, GitFailure } from '../git/command.js';
import type { Change, Landing } from '../git/commits.js';
import { sshCommand } from '../git/ssh-command.js';
import { GitObjects, treeNames, type GitObject } from '../git/objects.js';
import { leftOverLock } from './left-over-lock.js';
import { LocalRepository } from './local-repository.js';
import { allotted, numberOf, numbersPath, type Numbers } from './numbers.js';
import { theStore, whereabouts, type StorePlace } from './out-of-reach.js';
import {
  documentDigests,
  documentOrNull,
  importsFolder,
  json,
  REVOCATIONS,
  revocationPath,
  rostersPath,
  sealedPath,
  summary,
  wanted,
} from './store-items.js';
import type { StoreRepository } from './store-repository.js';
import { troubleWithin } from './trouble.js';
import { busyWithOthers, PATIENCE, untilLanded } from './until-landed.js';

export interface GitStoreOptions {
  /** Its name in reseal.yaml, for sentences about it. */
  readonly name?: string;
  /** Path of a bare repository on this machine, or an address that git reaches (`storeAddress`). */
  readonly path: string;
  /** Default `main`. */
  readonly branch?: string;
  /** What an address needs besides. */
  readonly remote?: RemoteOptions;
  /** Milliseconds since 1970. Default: this machine's clock. */
  readonly clock?: () => number;
  /** Bytes of content kept in memory. Default 64 MiB. */
  readonly cacheBytes?: number;
  /** How long a change waits for others, or for a lock that is left over, in milliseconds. Default 60 s: less than an activity may take. */
  readonly patience?: number;
}

export interface RemoteOptions {
  /** Absolute folder for clones, one below it per address and branch. */
  readonly clones: string;
  /** How long the other side may take to answer, in milliseconds. */
  readonly timeout: number;
  /** How this machine speaks SSH. */
  readonly ssh: Pick<SshSettings, 'knownHosts' | 'config' | 'connectTimeout'>;
}

type Missed = Exclude<Landing, { outcome: 'landed' }>;

/** What is decided at one tip of the branch: nothing to write, or a change that must land on that tip. */
type Decision<T> =
  { readonly answer: T } | { readonly answer: T; readonly subject: string; readonly files: ReadonlyMap<string, Uint8Array> };

/**
 * The store in a bare git repository: a commit per change, that git puts on the branch's tip of that moment or not at all: the compare-and-swap. Safe with any number of
 * writers in this process and in others. What a name means is read as the repository has it now; content by digest, which never changes, may come from a
 * clone while the repository is away. The bytes that it answers are shared with its cache: do not change them.
 */
export class GitManifestStore implements OpenStore {
  private readonly place: StorePlace;
  private readonly objects: GitObjects;
  private readonly cache: ContentCache;
  private queue: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly repository: StoreRepository,
    private readonly branch: string,
    private readonly clock: () => number,
    private readonly patience: number,
    cacheBytes: number,
  ) {
    this.place = repository.place;
    this.objects = new GitObjects(this.place.repository);
    this.cache = new ContentCache(cacheBytes);
  }

  /**
   * Touches neither disk nor network: whoever runs while the store is away still serves what does not need it, and every use says that it is away.
   * It makes no store either (`create` does): an empty one in the place of one that is away would tell every line that it has no manifest.
   * @throws ResealError CONFIG_INVALID for an address that no store can have.
   */
  static async open(options: GitStoreOptions): Promise<GitManifestStore> {
    const { branch = 'main', clock = Date.now, patience = PATIENCE, cacheBytes = 64 * 1024 * 1024 } = options;
    return new GitManifestStore(repositoryOf(options, branch, clock), branch, clock, patience, cacheBytes);
  }

  /** Makes an empty store where there is none; answers whether it did. For whoever begins a store on purpose. @throws ResealError STORE_UNREACHABLE */
  create(): Promise<boolean> {
    return this.repository.create();
  }

  isThere(): Promise<boolean> {
    return this.repository.isThere();
  }

  trouble(): Promise<ResealError | null> {
    const read = this.currentCommit().then(
      () => null,
      (error: unknown) => this.repository.failure(error),
    );
    return troubleWithin(this.place, this.repository.answersWithin, read, 'Look whether its disk hangs.');
  }

  async standing(): Promise<string | null> {
    const tip = await this.currentCommit();
    return tip === null ? null : `${this.branch} at ${tip.slice(0, 12)}`;
  }

  /** Absolute path of the repository, or its address. */
  get path(): string {
    return whereabouts(this.place);
  }

  /** Ends the reading child. */
  close(): Promise<void> {
    return this.objects.close();
  }

  /** The branch's tip; null while the store is empty. */
  async currentCommit(): Promise<string | null> {
    await this.refresh();
    return (await this.object(`refs/heads/${this.branch}`))?.id ?? null;
  }

  async head(line: LineName): Promise<Head | null> {
    await this.refresh();
    return this.headAt(`refs/heads/${this.branch}`, line);
  }

  async advance(
    line: LineName,
    expectedSeq: number,
    next: Sha256,
    context: StoreContext,
  ): Promise<{ readonly moved: boolean; readonly head: Head | null }> {
    return this.write<{ readonly moved: boolean; readonly head: Head | null }>(context, async (tip) => {
      const present = tip === null ? null : await this.headAt(tip, line);
      if ((present?.seq ?? 0) !== expectedSeq) {
        const first = tip === null ? null : await this.earlierMove(tip, line, expectedSeq + 1);
        return first?.digest === next ? { answer: { moved: true, head: first } } : { answer: { moved: false, head: present } };
      }
      const head: Head = { line, seq: expectedSeq + 1, digest: next };
      const was = present === null ? 'the first manifest' : `after ${present.digest.slice(0, 12)}`;
      return {
        answer: { moved: true, head },
        subject: `Move ${line} to manifest ${next.slice(0, 12)} (seq ${head.seq}, ${was})`,
        files: new Map([[headPath(line), json(head)]]),
      };
    });
  }

  async allot(line: LineName, key: string, context: StoreContext, nonce?: string): Promise<number> {
    return this.write(context, async (tip) => {
      const path = numbersPath(line);
      const numbers = tip === null ? {} : (((await this.documentAt(tip, path)) as Numbers | null) ?? {});
      const { number, next } = allotted(line, numbers, { key, nonce });
      if (next === null) return { answer: number };
      const files = new Map([[path, json(next)]]);
      return { answer: number, subject: `Allot rotation ${line}-${number}`, files };
    });
  }

  async allottedTo(line: LineName, key: string): Promise<number | null> {
    const numbers = await this.documentAt(`refs/heads/${this.branch}`, numbersPath(line));
    return numberOf((numbers as Numbers | null) ?? {}, key);
  }

  async putManifest(bytes: Uint8Array, context: StoreContext): Promise<Sha256> {
    return this.putOne({ kind: 'manifest', bytes }, context);
  }

  async putProfile(bytes: Uint8Array, importedBy: string, context: StoreContext): Promise<Sha256> {
    return this.putOne({ kind: 'profile', bytes, importedBy }, context);
  }

  async putFrozen(document: unknown, context: StoreContext): Promise<Sha256> {
    return this.putOne({ kind: 'frozen', document }, context);
  }

  /** All of these in one commit; the answers are their digests, in the order given. What is there already stays as it is. */
  async putMany(items: readonly StoreItem[], context: StoreContext): Promise<readonly Sha256[]> {
    const wantedItems = items.map((item) => wanted(item, this.clock()));
    await this.write<null>(context, async (tip) => {
      const present = await Promise.all(
        wantedItems.map(async (one) => !one.replaces && tip !== null && (await this.hasAll(tip, [...one.files.keys()]))),
      );
      const missing = wantedItems.filter((_, position) => present[position] !== true);
      if (missing.length === 0) return { answer: null };
      const files = new Map(missing.flatMap((one) => [...one.files]));
      return { answer: null, subject: `Add ${summary(missing)}`, files };
    });
    return wantedItems.map((one) => one.digest);
  }

  manifest(digest: Sha256): Promise<Uint8Array> {
    return this.content(`manifests/${digest}.json`, digest);
  }

  profile(digest: Sha256): Promise<Uint8Array> {
    return this.content(`profiles/${digest}.mobileprovision`, digest);
  }

  async importer(digest: Sha256): Promise<string | null> {
    await this.refresh();
    const record = (await this.documentAt(`refs/heads/${this.branch}`, `profiles/${digest}.json`)) as { importedBy?: string } | null;
    return record?.importedBy ?? null;
  }

  async imports(of: Imported): Promise<readonly unknown[]> {
    // Of the commit, whose files are listed once: a thousand profiles are asked about in one go, and most have no import.
    const tip = await this.currentCommit();
    const digests = await this.documentsIn(tip, importsFolder(of));
    return Promise.all(digests.map((digest) => documentOrNull(this.frozen(digest))));
  }

  async revocations(): Promise<readonly unknown[]> {
    const digests = await this.documentsIn(await this.currentCommit(), REVOCATIONS);
    return Promise.all(digests.map((digest) => documentOrNull(this.jsonContent(revocationPath(digest), digest))));
  }

  private async documentsIn(tip: string | null, folder: string): Promise<readonly Sha256[]> {
    const tree = tip === null ? null : await this.object(`${tip}:${folder}`);
    return documentDigests(tree === null ? [] : treeNames(tree));
  }

  async sealedIdentity(sealed: SealedFor): Promise<SealedIdentity | null> {
    await this.refresh();
    const path = sealedPath(sealed);
    const record = (await this.documentAt(`refs/heads/${this.branch}`, `${path}.json`)) as { importedBy: string; sha256: Sha256 } | null;
    if (record === null) return null;
    const { importedBy, sha256 } = record;
    return { bytes: await this.content(`${path}.age`, sha256), sha256, importedBy };
  }

  frozen(digest: Sha256): Promise<unknown> {
    return this.jsonContent(`frozen/${digest}.json`, digest);
  }

  private async jsonContent(path: string, digest: Sha256): Promise<unknown> {
    return JSON.parse(Buffer.from(await this.content(path, digest)).toString('utf8'));
  }

  putRecord(id: string, record: unknown, context: StoreContext): Promise<void> {
    return this.replace(`rotations/${id}.json`, record, context, (present) =>
      present ? `Correct the record of rotation ${id}` : `Record rotation ${id}`,
    );
  }

  record(id: string): Promise<unknown> {
    return this.documentNow(`rotations/${id}.json`);
  }

  putApprovals(manifest: Sha256, document: unknown, context: StoreContext): Promise<void> {
    return this.replace(`approvals/${manifest}.json`, document, context, () => `Approvals of manifest ${manifest.slice(0, 12)}`);
  }

  approvals(manifest: Sha256): Promise<unknown> {
    return this.documentNow(`approvals/${manifest}.json`);
  }

  rosters(installation: string): Promise<unknown> {
    return this.documentNow(rostersPath(installation));
  }

  async changeRosters(installation: string, change: (kept: unknown) => object | null, context: StoreContext): Promise<void> {
    const path = rostersPath(installation);
    await this.write<null>(context, async (tip) => {
      const document = change(tip === null ? null : await this.documentAt(tip, path));
      if (document === null) return { answer: null };
      return { answer: null, subject: `Adopt a roster of ${installation}`, files: new Map([[path, json(document)]]) };
    });
  }

  async records(line: LineName): Promise<readonly string[]> {
    await this.refresh();
    const tree = await this.object(`refs/heads/${this.branch}:rotations`);
    const ofLine = new RegExp(`^(${line}-(\\d+))\\.json$`);
    const found = (tree === null ? [] : treeNames(tree)).flatMap((name) => {
      const [, id, number] = ofLine.exec(name) ?? [];
      return id === undefined ? [] : [{ id, number: Number(number) }];
    });
    return found.sort((a, b) => a.number - b.number).map((one) => one.id);
  }

  /** A document that a later one may replace. @param subject of the commit, by whether there was one */
  private async replace(path: string, document: unknown, context: StoreContext, subject: (present: boolean) => string): Promise<void> {
    const bytes = json(document);
    await this.write<null>(context, async (tip) => {
      const present = tip === null ? null : await this.object(`${tip}:${path}`);
      if (present !== null && present.bytes.equals(bytes)) return { answer: null };
      return { answer: null, subject: subject(present !== null), files: new Map([[path, bytes]]) };
    });
  }

  private async documentNow(path: string): Promise<unknown> {
    await this.refresh();
    return this.documentAt(`refs/heads/${this.branch}`, path);
  }

  private async putOne(item: StoreItem, context: StoreContext): Promise<Sha256> {
    const [digest] = await this.putMany([item], context);
    if (digest === undefined) throw new ResealError('INTERNAL', 'One thing was written, and no digest came back.');
    return digest;
  }

  /** Decides at the tip, writes onto that tip, and does both again when somebody else was faster. One writer at a time in this process. */
  private write<T>(context: StoreContext, decide: (tip: string | null) => Promise<Decision<T>>): Promise<T> {
    const until = performance.now() + this.patience;
    const turn = this.queue.then(() =>
      untilLanded<T, Missed>(
        { until, patience: this.patience },
        async () => {
          const tip = await this.currentCommit();
          const decision = await decide(tip);
          if (!('files' in decision)) return { outcome: 'landed', answer: decision.answer };
          const landing = await this.commit(tip, { subject: decision.subject, files: decision.files, context });
          return landing.outcome === 'landed' ? { outcome: 'landed', answer: decision.answer } : { outcome: 'missed', why: landing };
        },
        (last) => this.tooLong(last),
      ),
    );
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  private async tooLong(last: Missed): Promise<ResealError> {
    const found = last.outcome === 'locked' ? await leftOverLock(last.lock, this.patience) : null;
    return found === null
      ? busyWithOthers(this.place, this.patience)
      : new ResealError('STORE_UNREACHABLE', `${theStore(this.place)} takes no change: ${found}`);
  }

  private async commit(tip: string | null, change: Change): Promise<Landing> {
    try {
      return await this.repository.commit(tip, change);
    } catch (cause) {
      if (await this.repository.repair(cause)) return { outcome: 'moved' };
      throw await this.repository.failure(cause);
    }
  }

  private async hasAll(tip: string, paths: readonly string[]): Promise<boolean> {
    const found = await Promise.all(paths.map((path) => this.object(`${tip}:${path}`)));
    return found.every((object) => object !== null);
  }

  private async content(path: string, digest: Sha256): Promise<Uint8Array> {
    const cached = this.cache.get(digest);
    if (cached !== undefined) return cached;
    const name = `refs/heads/${this.branch}:${path}`;
    const object = (await this.object(name)) ?? (await this.newest(name));
    if (object === null)
      throw new ResealError(
        'NOT_FOUND',
        `${theStore(this.place)} has no ${path}. Import or freeze it first, or check that this is the right store.`,
      );
    const found = sha256Of(object.bytes);
    if (found !== digest) {
      throw new ResealError(
        'DIGEST_MISMATCH',
        `${path} in the store ${this.path} has SHA-256 ${found}, its name says ${digest}. Do not use it; restore it from a copy of the store.`,
      );
    }
    this.cache.put(digest, object.bytes);
    return object.bytes;
  }

  private async headAt(commit: string, line: LineName): Promise<Head | null> {
    return (await this.documentAt(commit, headPath(line))) as Head | null;
  }

  /** The move to `seq`, from the branch's history; null where there was none. */
  private async earlierMove(tip: string, line: LineName, seq: number): Promise<Head | null> {
    const log = await git({ repository: this.place.repository, command: ['log', '--format=%H', tip, '--', headPath(line)] }).catch(
      async (cause: unknown) => {
        throw await this.repository.failure(cause);
      },
    );
    for (const commit of log.split('\n').filter((one) => one !== '')) {
      const head = await this.headAt(commit, line);
      if (head === null || head.seq < seq) return null;
      if (head.seq === seq) return head;
    }
    return null;
  }

  private async documentAt(commit: string, path: string): Promise<unknown> {
    const object = await this.object(`${commit}:${path}`);
    return object === null ? null : JSON.parse(object.bytes.toString('utf8'));
  }

  private async refresh(): Promise<void> {
    try {
      await this.repository.refresh();
    } catch (cause) {
      throw await this.repository.failure(cause);
    }
  }

  private async newest(name: string): Promise<GitObject | null> {
    await this.refresh();
    return this.object(name);
  }

  private async object(name: string): Promise<GitObject | null> {
    try {
      return await this.found(name);
    } catch (cause) {
      if (!(await this.repository.repair(cause))) throw await this.unreadable(name, cause);
      // The reader has the broken clone's files open.
      await this.objects.close();
      return await this.found(name).catch(async (again: unknown) => {
        throw await this.unreadable(name, again);
      });
    }
  }

  private async found(name: string): Promise<GitObject | null> {
    const found = await this.objects.read(name);
    if (found !== null) return found;
    await this.repository.confirmAbsent(name);
    return this.objects.read(name);
  }

  private async unreadable(name: string, cause: unknown): Promise<ResealError> {
    if (cause instanceof GitFailure && /corrupt|inflate|bad object|hash mismatch/i.test(cause.said)) {
      return new ResealError(
        'DIGEST_MISMATCH',
        `${name} in the store ${this.path} is damaged: ${cause.said.trim()}. Restore it from a copy of the store.`,
        { cause },
      );
    }
    return this.repository.failure(cause);
  }
}

function repositoryOf({ name, path, remote }: GitStoreOptions, branch: string, clock: () => number): StoreRepository {
  const named = name === undefined ? {} : { name };
  const address = storeAddress(path);
  switch (address.kind) {
    case 'path':
      return new LocalRepository({ ...named, repository: resolve(address.path) }, branch, clock);
    case 'refused':
      throw new ResealError(
        'CONFIG_INVALID',
        `The address of the store ${name ?? ''}: found ${address.found}, expected ${address.expected}.`,
      );
    case 'remote': {
      if (remote === undefined)
        throw new ResealError(
          'CONFIG_INVALID',
          `The store ${address.url} is reached by its address: say in which folder its clone may lie.`,
        );
      const { url, protocol } = address;
      const folder = join(remote.clones, sha256Of(Buffer.from(`${url} ${branch}`)).slice(0, 16));
      const place = { ...named, url, folder, repository: join(folder, 'store.git') };
      return new ClonedRepository(place, branch, { protocol, timeout: remote.timeout, ssh: sshCommand(remote.ssh) }, clock);
    }
  }
}

const headPath = (line: LineName): string => `lines/${line}/head.json`;
