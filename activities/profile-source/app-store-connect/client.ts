import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { ResealError } from '../../../src/domain/errors.js';
import { parsedAnswer, refusalOf, type Answer, type Role } from './answers.js';
import { isNearlyUsedUp, rateLimitOf, retryAfter, type RateLimit } from './rate-limit.js';
import { Tokens, type ApiKey } from './token.js';

export interface ClientOptions {
  /** Of the source, in reseal.yaml. */
  readonly source: string;
  /** `https://api.appstoreconnect.apple.com`. */
  readonly url: string;
  readonly apiKey: ApiKey;
  /** How long one answer may take, in milliseconds. */
  readonly timeout: number;
  /** How long a read may be tried again, in milliseconds. Default 20 s: an activity may take 2 minutes, and is begun anew itself. */
  readonly patience?: number;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

/** What a creation came to. `unclear`: the answer was lost, and it may have been done. */
export type Created<T> =
  | { readonly outcome: 'created'; readonly value: T }
  | { readonly outcome: 'conflict'; readonly error: ResealError }
  | { readonly outcome: 'unclear'; readonly error: ResealError };

const PATIENCE = 20_000;
/** A team's profiles at 200 a page, with their contents, are some megabytes. */
const LARGEST = 64 * 1024 * 1024;
const MOST_PAGES = 200;
/** After a limit that was nearly used up, the next look at it, in milliseconds. */
const REST = 5 * 60_000;

/**
 * App Store Connect, as far as reseal uses it: `GET`, and `POST /v1/profiles`. There is no way through this client to delete, revoke or change
 * anything. The token goes to the host of `url` alone: redirections and next pages elsewhere are refused.
 */
export class AppStoreConnectClient {
  private readonly tokens: Tokens;
  private readonly clock: () => number;
  private readonly base: URL;
  private limit: (RateLimit & { readonly at: number }) | null = null;

  constructor(private readonly options: ClientOptions) {
    this.clock = options.clock ?? Date.now;
    this.base = new URL(options.url);
    this.tokens = new Tokens(options.source, options.apiKey, this.clock);
  }

  /** All items of a listing, page by page. @throws ResealError SOURCE_REFUSED, SOURCE_UNREACHABLE */
  async all<T>(what: string, path: string, query: Readonly<Record<string, string>>, page: z.ZodType<Page<T>>): Promise<readonly T[]> {
    const items: T[] = [];
    let next: URL | null = this.address(path, { ...query, limit: '200' });
    for (let pages = 0; next !== null; pages += 1) {
      if (pages === MOST_PAGES) throw this.odd(`${what} goes on after ${MOST_PAGES} pages`);
      const { data, links }: Page<T> = parsedAnswer(this.options.source, what, await this.get(what, next), page);
      items.push(...data);
      next = links.next === undefined ? null : this.nextPage(links.next);
    }
    return items;
  }

  /** Asks once for something new, and never again by itself, except where it was certainly not done. */
  async create<T>(what: string, path: string, document: unknown, schema: z.ZodType<T>): Promise<Created<T>> {
    const { source } = this.options;
    const init = { method: 'POST', body: JSON.stringify(document), headers: { 'content-type': 'application/json' } } as const;
    let answer: Answer;
    try {
      answer = await this.patiently(
        what,
        () => this.once(this.address(path, {}), init),
        (status) => status === 429,
      );
    } catch (cause) {
      if (cause instanceof ResealError && cause.code === 'SOURCE_UNREACHABLE' && !(cause instanceof LeftToOthers))
        return { outcome: 'unclear', error: cause };
      throw cause;
    }
    if (answer.status === 409) return { outcome: 'conflict', error: refusalOf(source, what, answer, 'create') };
    if (answer.status >= 500) return { outcome: 'unclear', error: refusalOf(source, what, answer, 'create') };
    if (!isFine(answer)) throw refusalOf(source, what, answer, 'create');
    try {
      return { outcome: 'created', value: parsedAnswer(source, what, answer, schema) };
    } catch (cause) {
      if (cause instanceof ResealError) return { outcome: 'unclear', error: cause };
      throw cause;
    }
  }

  private async get(what: string, url: URL, role: Role = 'list'): Promise<Answer> {
    const answer = await this.patiently(
      what,
      () => this.once(url, { method: 'GET' }),
      (status) => status === 429 || status >= 500,
    );
    if (!isFine(answer)) throw refusalOf(this.options.source, what, answer, role);
    return answer;
  }

  /** Tries again what `again` says, with growing pauses or those that the other side asks for, within `patience`. */
  private async patiently(what: string, ask: () => Promise<Asked>, again: (status: number) => boolean): Promise<Answer> {
    const until = this.clock() + (this.options.patience ?? PATIENCE);
    for (let tries = 0; ; tries += 1) {
      this.leaveTheRest(what);
      const asked = await ask();
      if (!again(asked.answer.status)) return asked.answer;
      const pause = asked.retryAfter ?? 500 * 2 ** tries * (0.75 + Math.random() / 2);
      if (this.clock() + pause > until) return asked.answer;
      await sleep(pause);
    }
  }

  private async once(
    url: URL,
    init: { readonly method: 'GET' | 'POST'; readonly body?: string; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<Asked> {
    const token = await this.tokens.get();
    const headers = { ...init.headers, accept: 'application/json', authorization: `Bearer ${token}` };
    try {
      const response = await fetch(url, { ...init, headers, redirect: 'manual', signal: AbortSignal.timeout(this.options.timeout) });
      const body = await limitedText(response);
      const limit = rateLimitOf(response.headers.get('x-rate-limit'));
      if (limit !== null) this.limit = { ...limit, at: this.clock() };
      if (response.status === 401) this.tokens.forget();
      const answer = { status: response.status, contentType: response.headers.get('content-type') ?? '', body };
      return { answer, retryAfter: retryAfter(response.headers.get('retry-after'), this.clock()) };
    } catch (cause) {
      throw new ResealError(
        'SOURCE_UNREACHABLE',
        `App Store Connect (source ${this.options.source}) cannot be reached at ${this.base.host}: ${reasonOf(cause, this.options.timeout)}. Check the network, a proxy and sources.${this.options.source}.url; reseal looks again later.`,
      );
    }
  }

  private leaveTheRest(what: string): void {
    const { limit } = this;
    if (limit === null || !isNearlyUsedUp(limit) || this.clock() >= limit.at + REST) return;
    throw new LeftToOthers(
      'SOURCE_UNREACHABLE',
      `App Store Connect (source ${this.options.source}) was not asked to ${what}: of ${limit.limit} requests an hour ${limit.left} are left to this key, and reseal leaves those to others. It looks again later.`,
    );
  }

  private address(path: string, query: Readonly<Record<string, string>>): URL {
    const url = new URL(path, this.base);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url;
  }

  private nextPage(link: string): URL {
    const url = URL.canParse(link, this.base.href) ? new URL(link, this.base.href) : null;
    if (url?.origin !== this.base.origin) throw this.odd(`its next page is at another host than ${this.base.host}`);
    return url;
  }

  private odd(found: string): ResealError {
    return new ResealError(
      'SOURCE_UNREACHABLE',
      `App Store Connect (source ${this.options.source}) gives an answer that cannot be right: ${found}. Check sources.${this.options.source}.url in reseal.yaml, and what is on the way.`,
    );
  }
}

interface Page<T> {
  readonly data: readonly T[];
  readonly links: { readonly next?: string | undefined };
}

interface Asked {
  readonly answer: Answer;
  /** In milliseconds. */
  readonly retryAfter: number | null;
}

/** Nothing was asked. */
class LeftToOthers extends ResealError {}

const isFine = ({ status }: Answer): boolean => status >= 200 && status < 300;

async function limitedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    const bytes = chunk as Uint8Array;
    length += bytes.length;
    if (length > LARGEST) throw new Error(`its answer is longer than ${LARGEST / 1024 / 1024} MB`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What the network says; never the request, which holds the token. */
function reasonOf(cause: unknown, timeout: number): string {
  if (!(cause instanceof Error)) return 'for no reason that is known';
  if (cause.name === 'TimeoutError') return `it has not answered within ${timeout / 1000} s`;
  const inner = cause.cause;
  return inner instanceof Error ? inner.message || inner.name : cause.message;
}
