import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { LineName, Sha256 } from '../../../src/domain/brands.js';
import { ResealError } from '../../../src/domain/errors.js';
import { sha256Of } from '../../../src/manifest/digest.js';
import { ContentCache } from '../content-cache.js';
import type { Head, Imported, OpenStore, SealedFor, SealedIdentity, StoreContext, StoreItem } from '../contract.js';
import { allotted, numberOf, numbersPath } from '../numbers.js';
import { theStore } from '../out-of-reach.js';
import {
  documentDigests,
  documentOrNull,
  importsFolder,
  json,
  REVOCATIONS,
  revocationPath,
  rostersPath,
  sealedPath,
  wanted,
  type Wanted,
} from '../store-items.js';
import { troubleWithin } from '../trouble.js';
import { busyWithOthers, PATIENCE, untilLanded, type Attempt } from '../until-landed.js';
import { BucketLines, headPath, movePath, type HeadDocument } from './lines.js';
import { bucketError, unusable } from './failures.js';
import { guard } from './guard.js';
import { KeptContents } from './kept-contents.js';
import { BucketObjects, type Condition } from './objects.js';
import { addressOf, spokenPlace, type BucketPlace } from './place.js';
import { parsed, type Present } from './present.js';
import { Seen } from './seen.js';

export interface BucketStoreOptions extends BucketPlace {
  /** Absolute folder of this machine; below it lies, per bucket and prefix, what was read and what was seen. */
  readonly kept: string;
  /** Milliseconds since 1970. Default: this machine's clock. */
  readonly clock?: () => number;
  /** Bytes of content kept in memory. Default 64 MiB. */
  readonly cacheBytes?: number;
  /** How long a change waits for others, in milliseconds. Default 60 s: less than an activity may take. */
  readonly patience?: number;
}

/** Says that a store was begun here; its id tells it from another that is put in its place. */
const MARKER = 'store.json';
/** Writes under way at once, of one call. */
const WIDTH = 16;

/**
 * The store in a bucket that keeps versions. Heads, numbers and records are objects that are replaced under the condition that they are still what the change was
 * decided on (If-Match: the compare-and-swap); everything else is written once, under a name that has nothing there yet (If-None-Match), and never again.
 * Nothing is removed. Safe with any number of writers in this process and in others. The bytes that it answers are shared with its cache: do not change them.
 *
 * Layout, besides that of every store: `store.json` (begun, when, its id), `guard.json` (bucket/guard.ts), `lines/<line>/moves/<seq>.json` (what the head
 * was at `seq`, with rotation, ticket and person; written before the head moves on). Sealed identities are `identities/<sha1>/<node>.<recipient>.<sha256>.age`.
 */
export class BucketManifestStore implements OpenStore {
  private readonly place: BucketPlace;
  private readonly objects: BucketObjects;
  private readonly kept: KeptContents;
  private readonly seen: Seen;
  private readonly lines: BucketLines;
  private readonly cache: ContentCache;
  private readonly clock: () => number;
  private readonly patience: number;
  private queue: Promise<unknown> = Promise.resolve();
  private guarded: Promise<void> | null = null;

  private constructor(options: BucketStoreOptions) {
    const { kept, clock = Date.now, cacheBytes = 64 * 1024 * 1024, patience = PATIENCE, ...place } = options;
    this.place = place;
    this.objects = new BucketObjects(place);
    const folder = join(kept, sha256Of(Buffer.from(addressOf(place))).slice(0, 16));
    this.kept = new KeptContents(join(folder, 'contents'));
    this.seen = new Seen(folder);
    this.lines = new BucketLines(place, this.objects, this.seen, () => this.mustBeBegun());
    this.cache = new ContentCache(cacheBytes);
    this.clock = clock;
    this.patience = patience;
  }

  /** Touches neither disk nor network, and makes no store, as that of git. */
  static async open(options: BucketStoreOptions): Promise<BucketManifestStore> {
    return new BucketManifestStore(options);
  }

  get path(): string {
    return addressOf(this.place);
  }

  create(): Promise<boolean> {
    return this.reaching(async () => {
      if ((await this.begun()) !== null) return false;
      await this.guard();
      const id = randomUUID();
      const marker = json({ schemaVersion: 1, id, begunAt: new Date(this.clock()).toISOString() });
      await this.objects.write(MARKER, marker, { kind: 'absent' });
      // Whether it was this write that made it is in the marker: its own answer may have been lost.
      return (await this.mustBeBegun()).id === id;
    });
  }

  isThere(): Promise<boolean> {
    return this.reaching(() => this.begun()).then(
      (marker) => marker !== null,
      () => false,
    );
  }

  trouble(): Promise<ResealError | null> {
    const read = this.reaching(async () => {
      await this.mustBeBegun();
      await this.guard();
    }).then(
      () => null,
      (error: unknown) => bucketError(this.place, error),
    );
    return troubleWithin(spokenPlace(this.place), this.place.timeout * 2, read, 'Look at what lies between here and there.');
  }

  standing(): Promise<string | null> {
    return this.reaching(async () => {
      const { begunAt } = await this.mustBeBegun();
      return `begun at ${begunAt}, keeps versions`;
    });
  }

  close(): Promise<void> {
    return this.objects.close();
  }

  head(line: LineName): Promise<Head | null> {
    return this.reaching(async () => (await this.lines.head(line))?.value ?? null).then((found) => (found === null ? null : headOf(found)));
  }

  advance(
    line: LineName,
    expectedSeq: number,
    next: Sha256,
    context: StoreContext,
  ): Promise<{ readonly moved: boolean; readonly head: Head | null }> {
    return this.change(async () => {
      const present = await this.lines.head(line);
      const seq = present?.value.seq ?? 0;
      if (seq !== expectedSeq) {
        const first = seq > expectedSeq ? await this.lines.moveTo(line, expectedSeq + 1, present) : null;
        const answer =
          first?.digest === next
            ? { moved: true, head: headOf(first) }
            : { moved: false, head: present === null ? null : headOf(present.value) };
        return { outcome: 'landed', answer };
      }
      await this.guard();
      // What the head was is on record before it moves on, so that every move but the newest can be found.
      if (present !== null) await this.objects.write(movePath(line, seq), present.bytes, { kind: 'absent' });
      const document: HeadDocument = { line, seq: seq + 1, digest: next, ...told(context), at: new Date(this.clock()).toISOString() };
      const { outcome } = await this.objects.write(headPath(line), json(document), conditionOf(present), told(context));
      if (outcome === 'condition-not-met') return { outcome: 'missed', why: null };
      await this.lines.remember(line, { head: { seq: document.seq, digest: next } });
      return { outcome: 'landed', answer: { moved: true, head: headOf(document) } };
    });
  }

  allot(line: LineName, key: string, context: StoreContext, nonce?: string): Promise<number> {
    return this.change(async () => {
      const present = await this.lines.numbers(line);
      const { number, next } = allotted(line, present?.value ?? {}, { key, nonce });
      if (next === null) return { outcome: 'landed', answer: number };
      await this.guard();
      const bytes = json(next);
      const { outcome } = await this.objects.write(numbersPath(line), bytes, conditionOf(present), told(context));
      if (outcome === 'condition-not-met') return { outcome: 'missed', why: null };
      await this.lines.remember(line, { number });
      return { outcome: 'landed', answer: number };
    });
  }

  allottedTo(line: LineName, key: string): Promise<number | null> {
    return this.reaching(async () => numberOf((await this.lines.numbers(line))?.value ?? {}, key));
  }

  putManifest(bytes: Uint8Array, context: StoreContext): Promise<Sha256> {
    return this.putOne({ kind: 'manifest', bytes }, context);
  }

  putProfile(bytes: Uint8Array, importedBy: string, context: StoreContext): Promise<Sha256> {
    return this.putOne({ kind: 'profile', bytes, importedBy }, context);
  }

  putFrozen(document: unknown, context: StoreContext): Promise<Sha256> {
    return this.putOne({ kind: 'frozen', document }, context);
  }

  putMany(items: readonly StoreItem[], context: StoreContext): Promise<readonly Sha256[]> {
    return this.reaching(async () => {
      await this.mustBeBegun();
      await this.guard();
      const all = items.map((item) => ({ item, wanted: wanted(item, this.clock()) }));
      for (const kinds of ORDER) {
        const now = all.filter(({ item }) => kinds.includes(item.kind));
        for (let from = 0; from < now.length; from += WIDTH)
          await Promise.all(now.slice(from, from + WIDTH).map((one) => this.put(one.item, one.wanted, context)));
      }
      return all.map((one) => one.wanted.digest);
    });
  }

  manifest(digest: Sha256): Promise<Uint8Array> {
    return this.content(`manifests/${digest}.json`, digest);
  }

  profile(digest: Sha256): Promise<Uint8Array> {
    return this.content(`profiles/${digest}.mobileprovision`, digest);
  }

  frozen(digest: Sha256): Promise<unknown> {
    return this.jsonContent(`frozen/${digest}.json`, digest);
  }

  private async jsonContent(path: string, digest: Sha256): Promise<unknown> {
    return JSON.parse(Buffer.from(await this.content(path, digest)).toString('utf8'));
  }

  importer(digest: Sha256): Promise<string | null> {
    return this.reaching(async () => (await this.document<{ importedBy: string }>(`profiles/${digest}.json`))?.value.importedBy ?? null);
  }

  async imports(of: Imported): Promise<readonly unknown[]> {
    const digests = await this.documentsIn(importsFolder(of));
    return Promise.all(digests.map((digest) => documentOrNull(this.frozen(digest))));
  }

  async revocations(): Promise<readonly unknown[]> {
    const digests = await this.documentsIn(REVOCATIONS);
    if (digests.length === 0) await this.reaching(() => this.mustBeBegun());
    return Promise.all(digests.map((digest) => documentOrNull(this.jsonContent(revocationPath(digest), digest))));
  }

  private async documentsIn(folder: string): Promise<readonly Sha256[]> {
    const paths = await this.reaching(() => this.objects.paths(`${folder}/`));
    return documentDigests(paths.map((path) => path.slice(folder.length + 1)));
  }

  async sealedIdentity(sealed: SealedFor): Promise<SealedIdentity | null> {
    const path = sealedPath(sealed);
    const record = await this.reaching(() => this.document<{ importedBy: string; sha256: Sha256 }>(`${path}.json`));
    if (record === null) return null;
    const { importedBy, sha256 } = record.value;
    return { bytes: await this.content(`${path}.${sha256}.age`, sha256), sha256, importedBy };
  }

  async putRecord(id: string, record: unknown, context: StoreContext): Promise<void> {
    await this.replace(`rotations/${id}.json`, json(record), context);
  }

  record(id: string): Promise<unknown> {
    return this.reaching(async () => (await this.document<unknown>(`rotations/${id}.json`))?.value ?? null);
  }

  async putApprovals(manifest: Sha256, document: unknown, context: StoreContext): Promise<void> {
    await this.replace(`approvals/${manifest}.json`, json(document), context);
  }

  approvals(manifest: Sha256): Promise<unknown> {
    return this.reaching(async () => (await this.document<unknown>(`approvals/${manifest}.json`))?.value ?? null);
  }

  rosters(installation: string): Promise<unknown> {
    return this.reaching(async () => (await this.document<unknown>(rostersPath(installation)))?.value ?? null);
  }

  async changeRosters(installation: string, change: (kept: unknown) => object | null, context: StoreContext): Promise<void> {
    const path = rostersPath(installation);
    await this.change<null>(async () => {
      const present = await this.document<unknown>(path);
      const document = change(present?.value ?? null);
      if (document === null) return { outcome: 'landed', answer: null };
      await this.guard();
      const { outcome } = await this.objects.write(path, json(document), conditionOf(present), told(context));
      return outcome === 'written' ? { outcome: 'landed', answer: null } : { outcome: 'missed', why: null };
    });
  }

  records(line: LineName): Promise<readonly string[]> {
    return this.reaching(async () => {
      const ofLine = new RegExp(`^rotations/(${line}-(\\d+))\\.json$`);
      const found = (await this.objects.paths(`rotations/${line}-`)).flatMap((path) => {
        const [, id, number] = ofLine.exec(path) ?? [];
        return id === undefined ? [] : [{ id, number: Number(number) }];
      });
      if (found.length === 0) await this.mustBeBegun();
      return found.sort((a, b) => a.number - b.number).map((one) => one.id);
    });
  }

  private async putOne(item: StoreItem, context: StoreContext): Promise<Sha256> {
    const [digest] = await this.putMany([item], context);
    if (digest === undefined) throw new ResealError('INTERNAL', 'One thing was written, and no digest came back.');
    return digest;
  }

  /** Bytes before what tells of them: a profile is imported once its importer is on record, a sealed identity is another once its record says so. */
  private async put(item: StoreItem, { digest, files }: Wanted, context: StoreContext): Promise<void> {
    if (item.kind === 'sealed-identity') {
      const record = files.get(`${sealedPath(item)}.json`);
      if (record === undefined) throw new ResealError('INTERNAL', 'A sealed identity came without its record.');
      await this.objects.write(`${sealedPath(item)}.${digest}.age`, item.bytes, { kind: 'absent' }, told(context));
      await this.replace(`${sealedPath(item)}.json`, record, context);
      return;
    }
    for (const [path, bytes] of files) await this.objects.write(path, bytes, { kind: 'absent' }, told(context));
  }

  private replace(path: string, bytes: Uint8Array, context: StoreContext): Promise<null> {
    return this.untilLanded(async () => {
      const present = await this.document<unknown>(path);
      if (present !== null && Buffer.from(present.bytes).equals(bytes)) return { outcome: 'landed', answer: null };
      await this.guard();
      const { outcome } = await this.objects.write(path, bytes, conditionOf(present), told(context));
      return outcome === 'written' ? { outcome: 'landed', answer: null } : { outcome: 'missed', why: null };
    });
  }

  /** Decides on what is there, writes under the condition that it still is, and does both again when somebody else was faster. One at a time in this process. */
  private change<T>(attempt: () => Promise<Attempt<T, null>>): Promise<T> {
    const until = performance.now() + this.patience;
    const turn = this.queue.then(() => this.untilLanded(attempt, until));
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  private untilLanded<T>(attempt: () => Promise<Attempt<T, null>>, until = performance.now() + this.patience): Promise<T> {
    return this.reaching(() =>
      untilLanded({ until, patience: this.patience }, attempt, async () => busyWithOthers(spokenPlace(this.place), this.patience)),
    );
  }

  private async content(path: string, digest: Sha256): Promise<Uint8Array> {
    const cached = this.cache.get(digest) ?? (await this.kept.get(digest));
    if (cached !== null) {
      this.cache.put(digest, cached);
      return cached;
    }
    const object = await this.reaching(() => this.objects.read(path));
    if (object === null) {
      await this.reaching(() => this.mustBeBegun());
      throw new ResealError(
        'NOT_FOUND',
        `${theStore(spokenPlace(this.place))} has no ${path}. Import or freeze it first, or check that this is the right store.`,
      );
    }
    const found = sha256Of(object.bytes);
    if (found !== digest) {
      throw new ResealError(
        'DIGEST_MISMATCH',
        `${path} in the store ${this.path} has SHA-256 ${found}, its name says ${digest}. Do not use it; bring back its first version, or restore it from a copy of the store.`,
      );
    }
    this.cache.put(digest, object.bytes);
    await this.kept.put(digest, object.bytes);
    return object.bytes;
  }

  /** A JSON document that is there; null where there is none in a store that was begun. */
  private async document<T>(path: string): Promise<Present<T> | null> {
    const object = await this.objects.read(path);
    if (object !== null) return parsed<T>(this.place, path, object);
    await this.mustBeBegun();
    return null;
  }

  /** Once per process that finds it well. */
  private async guard(): Promise<void> {
    this.guarded ??= guard(this.objects, this.place);
    try {
      await this.guarded;
    } catch (error) {
      this.guarded = null;
      throw error;
    }
  }

  /** The marker; null where nobody has begun a store there, as far as this machine knows. */
  private async begun(): Promise<Marker | null> {
    const known = await this.seen.storeId();
    const object = await this.objects.read(MARKER);
    if (object === null) {
      if (known !== null) throw this.lines.other('what says that it was begun (store.json) is gone');
      return null;
    }
    const { value } = parsed<Marker>(this.place, MARKER, object);
    if (known !== null && known !== value.id) throw this.lines.other('there is a store of another id now');
    await this.lines.noting(() => this.seen.rememberStore(value.id));
    return value;
  }

  private async mustBeBegun(): Promise<Marker> {
    const marker = await this.begun();
    if (marker !== null) return marker;
    throw unusable(
      this.place,
      "nobody has begun a store there. Check bucket and prefix in reseal.yaml; a line's first manifest makes it: reseal manifest freeze DIR --line LINE --first.",
    );
  }

  private async reaching<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw bucketError(this.place, error);
    }
  }
}

interface Marker {
  readonly id: string;
  readonly begunAt: string;
}

/** Who takes something in is there before it, a manifest comes after what it names, a plan after the manifest. */
const ORDER: readonly (readonly StoreItem['kind'][])[] = [
  ['import', 'revocation'],
  ['profile', 'sealed-identity'],
  ['manifest'],
  ['frozen'],
];

const headOf = ({ line, seq, digest }: HeadDocument): Head => ({ line, seq, digest });

const conditionOf = (present: { readonly etag: string } | null): Condition =>
  present === null ? { kind: 'absent' } : { kind: 'unchanged', etag: present.etag };

/** What a context says, on one line each; it comes from people. */
function told({ rotation, ticket, by }: StoreContext): Readonly<Record<string, string>> {
  const given = { rotation, ticket, by };
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, value.replace(/[\p{Cc}\s]+/gu, ' ').trim()]])),
  );
}
