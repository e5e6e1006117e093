import { type ErrorCode, ResealError } from '../domain/errors.js';
import type { Context } from './command.js';
import { findApi, type Api } from './home.js';

/** Speaks with the control API; its errors are thrown as what they were over there. */
export class ApiClient {
  private constructor(private readonly api: Api) {}

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
    if (!response.ok) throw await failure(response);
    return new Uint8Array(await response.arrayBuffer());
  }

  /** Server-sent events from `after` on; ends with the stream. A lost connection throws API_UNREACHABLE. */
  async *events<T>(path: string, after: number, signal?: AbortSignal): AsyncGenerator<T> {
    const response = await this.fetch('GET', `${path}?after=${after}`, undefined, signal);
    // Nothing more will come.
    if (response.status === 204) return;
    if (!response.ok || response.body === null) throw await failure(response);
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
    if (!response.ok) throw await failure(response);
    try {
      return (await response.json()) as T;
    } catch (error) {
      throw stranger(response, error);
    }
  }

  private async fetch(method: string, path: string, body?: object, signal?: AbortSignal): Promise<Response> {
    try {
      return await fetch(new URL(path, this.api.url), {
        method,
        headers: {
          ...(this.api.token === null ? {} : { authorization: `Bearer ${this.api.token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      throw this.lost(error);
    }
  }

  private lost(error: unknown): ResealError {
    return new ResealError('API_UNREACHABLE', `The control API at ${this.api.url} does not answer. Is \`reseal up\` still running?`, {
      cause: error,
    });
  }
}

async function failure(response: Response): Promise<ResealError> {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text) as { error: { code: ErrorCode; message: string; details: readonly string[] } };
    return new ResealError(error.code, error.message, { details: error.details });
  } catch (error) {
    return stranger(response, error);
  }
}

const stranger = (response: Response, cause: unknown): ResealError =>
  new ResealError(
    'API_UNREACHABLE',
    `What answers at ${new URL(response.url).origin} is no reseal control API (HTTP ${response.status}). Check RESEAL_URL.`,
    { cause },
  );
