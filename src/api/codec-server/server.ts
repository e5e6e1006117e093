import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { secureHeaders } from 'hono/secure-headers';
import { z } from 'zod';
import { ResealError } from '../../domain/errors.js';
import { readable } from '../../temporal/codec/encryption.js';
import type { KeyRing } from '../../temporal/codec/key-ring.js';
import { listenOn, type RunningHttp } from '../listen.js';
import { sameText } from '../token.js';
import { isInSession, sessionCookie, SIGN_IN, SIGNED_IN } from './session.js';

/** Of a request, in bytes: Temporal's own limit of a message is 4 MiB, and Base64 takes a third more. */
const BODY_LIMIT = 6 * 1024 * 1024;
/** Of one request: more than a page of a history has. */
const MOST_PAYLOADS = 2_000;
/** Requests that are decoded in a minute, whoever asks: a page of the UI asks once for each event that it shows. */
const PER_MINUTE = 3_000;
/** And refused ones, before nothing is looked at for the rest of the minute. */
const REFUSED_PER_MINUTE = 60;

/** `temporal.api.common.v1.Payloads` as JSON (proto3 mapping): bytes are Base64. */
const base64 = z.base64();
const Payloads = z.object({
  payloads: z
    .array(z.object({ metadata: z.record(z.string(), base64).default({}), data: base64.default('') }))
    .max(MOST_PAYLOADS)
    .default([]),
});

export interface CodecServerOptions {
  readonly ring: KeyRing;
  /** What every request must bear but `healthz` and the sign-in: the token, or the cookie of a browser in which it was shown. */
  readonly token: string;
  /** Pages of these origins may ask, and read the answers. */
  readonly origins: readonly string[];
  /** Who was turned away, in a sentence without anything that was asked. */
  readonly onDenied: (sentence: string) => void;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

const failure = (code: string, message: string) => ({ schemaVersion: 1, error: { code, message, details: [] } }) as const;

/**
 * Decodes payloads for Temporal's UI and CLI, by Temporal's protocol of remote codecs (`POST …/decode`). There is no `…/encode`: what goes to Temporal is written by
 * reseal alone.
 */
export function createCodecServer({ ring, token, origins, onDenied, clock }: CodecServerOptions): Hono {
  const server = new Hono();
  const decoded = perMinute(PER_MINUTE, clock);
  const refused = perMinute(REFUSED_PER_MINUTE, clock);

  const deny = (context: Context, status: 401 | 403 | 429, code: string, message: string): Response => {
    onDenied(`${context.req.method} ${context.req.path.replace(/[^\w./-]/g, '?').slice(0, 80)} was refused: ${message}`);
    return context.json(failure(code, message), status);
  };
  const tooMany = (context: Context): Response =>
    deny(context, 429, 'NOT_ENTITLED', 'Too many requests without the token; ask again in a minute.');
  const withoutToken = (context: Context): Response => {
    refused.take();
    return deny(context, 401, 'NOT_ENTITLED', 'The codec server needs its token, as Authorization: Bearer TOKEN.');
  };

  server.use(
    secureHeaders({
      crossOriginResourcePolicy: 'cross-origin',
      // With `no-referrer` a browser says `Origin: null` of the sign-in's own form (Fetch, "append a request Origin header").
      referrerPolicy: 'same-origin',
      contentSecurityPolicy: { defaultSrc: ["'none'"], formAction: ["'self'"], frameAncestors: ["'none'"] },
    }),
  );
  server.use(async (context, next) => {
    const origin = context.req.header('origin');
    // A page of this server itself may do one thing: show the token.
    const own = context.req.path === '/session' && origin === new URL(context.req.url).origin;
    if (origin !== undefined && !own && !origins.includes(origin))
      return deny(context, 403, 'NOT_ENTITLED', 'Pages of this origin may not ask. Declare it in codec.server.origins of reseal.yaml.');
    if (origin !== undefined) {
      context.header('Access-Control-Allow-Origin', origin);
      context.header('Access-Control-Allow-Credentials', 'true');
      context.header('Vary', 'Origin');
    }
    if (context.req.method !== 'OPTIONS') return next();
    context.header('Access-Control-Allow-Methods', 'POST');
    context.header('Access-Control-Allow-Headers', 'authorization, content-type, x-namespace');
    context.header('Access-Control-Max-Age', '600');
    return context.body(null, 204);
  });
  server.get('/healthz', (context) => context.json({ schemaVersion: 1, ok: true }));
  server.get('/', (context) => context.html(SIGN_IN));
  server.post('/session', bodyLimit({ maxSize: 4_096, onError: tooLarge }), async (context) => {
    if (refused.isSpent()) return tooMany(context);
    const { token: given } = await context.req.parseBody().catch(() => ({ token: '' }));
    if (!sameText(typeof given === 'string' ? given.trim() : '', token)) return withoutToken(context);
    context.header('Set-Cookie', sessionCookie(token, clock()));
    return context.html(SIGNED_IN);
  });
  server.use(async (context, next) => {
    if (refused.isSpent()) return tooMany(context);
    const given = /^Bearer (.+)$/.exec(context.req.header('authorization') ?? '')?.[1] ?? '';
    if (!sameText(given, token) && !isInSession(context.req.header('cookie'), token, clock())) return withoutToken(context);
    if (!decoded.take())
      return deny(context, 429, 'REFUSED', `At most ${PER_MINUTE} requests a minute are answered; ask again in a moment.`);
    return next();
  });
  server.use(bodyLimit({ maxSize: BODY_LIMIT, onError: tooLarge }));
  server.post('/decode', async (context) => context.json({ payloads: decode(await asked(context), ring) }));
  server.notFound((context) => context.json(failure('NOT_FOUND', 'There is POST /decode here, and nothing else.'), 404));
  server.onError((error, context) => {
    if (error instanceof ResealError) return context.json(failure(error.code, error.message), error.code === 'USAGE' ? 400 : 422);
    return context.json(failure('INTERNAL', 'The codec server failed in a way that it should not.'), 500);
  });
  return server;
}

type WirePayload = z.infer<typeof Payloads>['payloads'][number];

/** @throws ResealError USAGE, quoting nothing of the body */
async function asked(context: Context): Promise<readonly WirePayload[]> {
  const parsed = Payloads.safeParse(await context.req.json().catch(() => null));
  if (parsed.success) return parsed.data.payloads;
  throw new ResealError('USAGE', `The body is no Payloads message as JSON of at most ${MOST_PAYLOADS} payloads.`);
}

const decode = (payloads: readonly WirePayload[], ring: KeyRing): readonly WirePayload[] =>
  payloads.map(({ metadata, data }) => {
    const payload = {
      metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')])),
      data: Buffer.from(data, 'base64'),
    };
    const read = readable(payload, ring, undefined);
    return {
      metadata: Object.fromEntries(
        Object.entries(read.metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
      ),
      data: Buffer.from(read.data ?? []).toString('base64'),
    };
  });

const tooLarge = (context: Context): Response =>
  context.json(failure('USAGE', `A request's body is at most ${BODY_LIMIT / 1024 / 1024} MiB.`), 413, { connection: 'close' });

/** So many in each minute. */
function perMinute(most: number, clock: () => number): { readonly isSpent: () => boolean; readonly take: () => boolean } {
  let began = clock();
  let taken = 0;
  const renew = (): void => {
    if (clock() - began < 60_000) return;
    began = clock();
    taken = 0;
  };
  return {
    isSpent: () => {
      renew();
      return taken >= most;
    },
    take: () => {
      renew();
      taken += 1;
      return taken <= most;
    },
  };
}

/** @param address `host:port`; port 0: a free one @throws ResealError USAGE where it cannot be listened on */
export const listenForPayloads = (server: Hono, address: string): Promise<RunningHttp> =>
  listenOn(
    server,
    address,
    (cause) =>
      new ResealError('USAGE', `The codec server cannot listen on ${address}: ${cause.message}. Correct codec.server.listen in reseal.yaml.`, { cause }), // prettier-ignore
  );
