import { setTimeout as setTimeoutAsync } from 'node:timers/promises';
import { isUnproven, request } from '../api/request.js';
import { type ErrorCode, ResealError } from '../domain/errors.js';
import type { Context } from './command.js';
import { findApi, type Api } from './home.js';

/** After answers 429, or 401 to a token that has expired. */
const TRIES = 3;
/** Of what an answer 429 may ask for, in seconds. */
const LONGEST_WAIT = 10;

/** Speaks with the control API; its errors are thrown as what they were over there. */
export class ApiClient {
  private token: string | null;

  private constructor(private readonly api: Api) {
    this.token = api.token;
  }

  /** @throws ResealError USAGE for `--config`: what is asked has a configuration of its own, and would answer by that without a word */
  static async find(context: Pick<Context, 'config' | 'home' | 'env' | 'cwd'>): Promise<ApiClient> {
    if (context.config !== undefined) {
      throw new ResealError(
        'USAGE',
        'This command asks a reseal that runs, which goes by its own configuration: --config has no effect here. Leave it out, or say which one to ask with --home or RESEAL_URL.',
      );
    }
    return new ApiClient(await findApi({ home: context.home, env: context.env, cwd: context.cwd }));
  }

  static at(api: Api): ApiClient {
    return new ApiClient(api);
  }

  get url(): string {
    return this.api.url;
  }

  get<T>(path: string): Promise<T> {
    return this.ask<T>('GET', path);
  }

  post<T>(path: string, body: object): Promise<T> {
    return this.ask<T>('POST', path, body);
  }

  /** What a path holds, byte for byte. */
  async bytes(path: string): Promise<Uint8Array> {
    const response = await this.fetch('GET', path);
    if (!response.ok) throw await this.failure(response);
    return new Uint8Array(await response.arrayBuffer());
  }

  /** Server-sent events from `after` on; ends with the stream. A lost connection throws API_UNREACHABLE. */
  async *events<T>(path: string, after: number, signal?: AbortSignal): AsyncGenerator<T> {
    const response = await this.fetch('GET', `${path}?after=${after}`, undefined, signal);
    // Nothing more will come.
    if (response.status === 204) return;
    if (!response.ok || response.body === null) throw await this.failure(response);
    let buffer = '';
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        buffer += decoder.decode(chunk, { stream: true });
        const parts = buffer.split('\n\n');
        buffer = parts.pop() ?? '';
        for (const part of parts) {
          const data = part
            .split('\n')
            .filter((line) => line.startsWith('data:'))
            .map((line) => line.slice(5).trim())
            .join('\n');
          if (data !== '') yield JSON.parse(data) as T;
        }
      }
    } catch (error) {
      if (signal?.aborted === true) return;
      throw this.lost(error);
    }
  }

  private async ask<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await this.fetch(method, path, body);
    if (!response.ok) throw await this.failure(response);
    try {
      return (await response.json()) as T;
    } catch (error) {
      throw this.stranger(response, error);
    }
  }

  /** Whoever is told to come back in a moment does, and whose token has expired brings the next one: nothing was done of what was asked. */
  private async fetch(method: string, path: string, body?: object, signal?: AbortSignal): Promise<Response> {
    for (let tries = 1; ; tries++) {
      const response = await this.once(method, path, body, signal);
      if (response.status === 401 && tries < TRIES && (await this.hasRenewed())) {
        await response.body?.cancel();
        continue;
      }
      const wait = Number(response.headers.get('retry-after'));
      if (response.status !== 429 || tries >= TRIES || !(wait > 0 && wait <= LONGEST_WAIT)) return response;
      await response.body?.cancel();
      await setTimeoutAsync(wait * 1_000);
    }
  }

  /** Whether there is another token than the one that does not count. */
  private async hasRenewed(): Promise<boolean> {
    const { token } = this;
    if (this.api.renew !== undefined) this.token = await this.api.renew();
    return this.token !== token;
  }

  private async once(method: string, path: string, body?: object, signal?: AbortSignal): Promise<Response> {
    const { token } = this;
    const { url, trust = { kind: 'public' } } = this.api;
    const headers = {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    try {
      return await request(new URL(path, url), {
        ...{ method, headers, trust },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      throw isUnproven(error) ? this.unproven(error) : this.lost(error);
    }
  }

  private lost(error: unknown): ResealError {
    return new ResealError('API_UNREACHABLE', `The control API at ${this.api.url} does not answer. Is \`reseal up\` still running?`, {
      cause: error,
    });
  }

  /** Nothing was sent. */
  private unproven(error: unknown): ResealError {
    const { message } = error as Error;
    return new ResealError(
      'API_UNREACHABLE',
      `What answers at ${this.api.url} does not prove that it is the control API: ${message}. If its certificate is by an authority of your own, name that one's file in RESEAL_CA (or api.client.ca).`,
      { cause: error },
    );
  }

  private async failure(response: Response): Promise<ResealError> {
    const text = await response.text();
    try {
      const { error } = JSON.parse(text) as { error: { code: ErrorCode; message: string; details: readonly string[] } };
      return new ResealError(error.code, error.message, { details: error.details });
    } catch (error) {
      return this.stranger(response, error);
    }
  }

  private stranger({ status }: Response, cause: unknown): ResealError {
    return new ResealError(
      'API_UNREACHABLE',
      `What answers at ${new URL(this.api.url).origin} is no reseal control API (HTTP ${status}). Check RESEAL_URL.`,
      { cause },
    );
  }
}
