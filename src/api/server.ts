import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { secureHeaders } from 'hono/secure-headers';
import { streamSSE } from 'hono/streaming';
import type { z } from 'zod';
import { COMMAND_NAMES } from '../domain/rotation/commands.js';
import { isName, type LineName } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import { eventView } from '../presenters/rotation.js';
import { situationOf } from '../../activities/rotation/surroundings.js';
import type { AuditLog } from '../../activities/audit/log.js';
import { letIn, requestFacts } from './let-in.js';
import { adoptRotation } from './adoption.js';
import { answersWithin } from './answers-within.js';
import { DEFAULT_LIMITS, Door, isMistaken, mustBe, mustSpeakFor, notThere, routeOf, type DoorOptions } from './door.js';
import { asResealError, failure, statusOfCode } from './errors.js';
import { hostAndPort, listenOn, type RunningHttp } from './listen.js';
import { isLoopback } from './loopback.js';
import { expectedOfNode, inspectNode, listNodes } from './nodes.js';
import {
  commandRotation,
  listRotations,
  offsetOf,
  planRotation,
  rotationEvents,
  rotationNodes,
  showRotation,
  startRotation,
  type RotationDesk,
  type StartRequest,
} from './rotations.js';
import {
  EXPORT_WORDS,
  ExportBody,
  ExportTermsQuery,
  CommandOrSignedBody,
  PlanBody,
  PurgeOrSignedBody,
  RevocationBody,
  RestoreOrSignedBody,
  ScheduleOrSignedBody,
  ClaimAcquireBody,
  ClaimCompleteBody,
  ClaimKeyBody,
  ClaimReleaseBody,
  SeatAcquireBody,
  SeatBookBody,
  SeatReleaseBody,
  SeatTokenBody,
  SignedBody,
  AdoptOrSignedBody,
  StartOrSignedBody,
} from './routes.js';
import { exportTerms, fetchExport, listExports, requestExport, showExport, tellExport } from './exports.js';
import {
  manifestBytes,
  personOf,
  signedAdoption,
  signedCommand,
  signedMandate,
  signedScheduleMandate,
  signedStart,
  termsOf,
} from './statements.js';
import { openApi } from './openapi.js';
import { purgeNode } from './purge.js';
import { recordRevocation, showRevocations } from './revocations.js';
import { adoptRoster, showRoster } from './roster.js';
import { restoreNode, restoreStanding } from './restore.js';
import { HandoffSchema } from '../schema/handoff.js';
import { readJson } from '../schema/json-text.js';
import { showImpact } from './impact.js';
import { listHandoffs, registerHandoff } from './handoffs.js';
import { acquireClaim, completeClaim, releaseClaim, showClaim } from './claims.js';
import { acquireSeat, bookSeat, listSeats, releaseSeat, seatHeartbeat, seatStanding, seatUsage } from './seats.js';
import { changeScheduleBy, scheduleTerms } from './schedule-mandates.js';
import { showSchedule } from './schedule.js';
import type { ServedIdentity } from './tls.js';

const BODY_LIMIT = 256 * 1024;
/** Of an address, in characters. */
const ADDRESS_LIMIT = 8 * 1024;
/** PostgreSQL takes no NUL in a text, and nothing that an address names holds any of these. */
const ENCODED_CONTROL = /%(?:[01][0-9a-f]|7f)/i;
/** Between two looks at the record for those who follow it, in milliseconds. */
const FOLLOW_EVERY = 300;

export interface ApiOptions extends DoorOptions {
  readonly desk: RotationDesk;
  /** Where it is written down what was let in that changes something; missing: nowhere. */
  readonly audit?: Pick<AuditLog, 'begin'>;
  /** Whether it is served over TLS, so that browsers are told to come by nothing else. */
  readonly overTls?: boolean;
}

/** What is left of the body is not read: the connection cannot carry another request. */
const tooLarge = (context: Context): Response =>
  context.json(failure('USAGE', `A request's body is at most ${BODY_LIMIT / 1024} KiB.`), 413, { connection: 'close' });

export function createApi({ desk, audit, overTls = false, ...options }: ApiOptions): Hono {
  const api = new Hono();
  const door = new Door(options);
  api.use(
    secureHeaders({
      contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
      xFrameOptions: 'DENY',
      strictTransportSecurity: overTls,
    }),
  );
  api.use(async (context, next) => {
    await next();
    context.header('Cache-Control', 'no-store');
  });
  api.use(bodyLimit({ maxSize: BODY_LIMIT, onError: tooLarge }));
  api.onError((error, context) => {
    const known = asResealError(error);
    if (known.code === 'NOT_ENTITLED' || /^(?:SIGNATURE|STATEMENT)_/.test(known.code)) door.turnedAway(context, statusOfCode(known.code), known.code);
    return context.json(failure(known.code, known.message, known.details), statusOfCode(known.code));
  }); // prettier-ignore
  api.notFound((context) => notThere(context));

  const admitted: MiddlewareHandler = async (context, next) => {
    if (context.req.url.length > ADDRESS_LIMIT)
      return context.json(failure('USAGE', `An address is at most ${ADDRESS_LIMIT / 1024} KiB long.`), 414);
    return (await door.refusal(context)) ?? next();
  };
  api.use('/v1/*', admitted);
  api.use('/v1/*', async (context, next) => {
    if (ENCODED_CONTROL.test(context.req.url))
      throw new ResealError('USAGE', 'The address holds a control character (%00 to %1F, %7F): no line, rotation, node or date does.');
    return next();
  });
  const questioned: MiddlewareHandler = async (context, next) => {
    if (isMistaken(context)) return notThere(context);
    const query = routeOf(context)?.query;
    if (query !== undefined) checked(context.req.query(), query, 'The query');
    return next();
  };
  api.use('/v1/*', questioned);
  api.use('/v1/*', answersWithin(options.limits?.answerTimeout ?? DEFAULT_LIMITS.answerTimeout));
  if (audit !== undefined) api.use('/v1/*', letIn(audit));

  api.get('/v1/healthz', async (context) => {
    const [temporal, database] = await Promise.all([
      well(() => desk.client.workflowService.getSystemInfo({})),
      well(() => desk.ledger.rotations({})),
    ]);
    return context.json({ schemaVersion: 1, ok: temporal && database, temporal, database }, temporal && database ? 200 : 503);
  });
  api.get('/v1/openapi.json', (context) => context.json(openApi(desk.around.configuration().policy.tickets.pattern)));
  api.get('/v1/rotations', async (context) => context.json(await listRotations(desk, context.req.query('line'))));
  api.post('/v1/rotations', async (context) =>
    context.json(await startRotation(desk, startOf(await body(context, StartOrSignedBody))), 201),
  );
  api.post('/v1/rotations/plan', async (context) => {
    const asked = await body(context, PlanBody);
    return context.json(await planRotation(desk, { ...asked, by: asked.by ?? 'nobody', ticket: asked.ticket ?? '' }));
  });
  api.get('/v1/rotations/:id', async (context) => context.json(await showRotation(desk, context.req.param('id'))));
  api.get('/v1/rotations/:id/nodes', async (context) => context.json(await rotationNodes(desk, context.req.param('id'))));
  api.get('/v1/rotations/:id/events', (context) => events(context, desk, context.req.param('id')));
  api.post('/v1/rotations/:id/adopt', async (context) => {
    const given = await body(context, AdoptOrSignedBody);
    const asked = 'statement' in given ? signedAdoption(given) : given;
    return context.json(await adoptRotation(desk, context.req.param('id'), asked), 201);
  });
  for (const name of COMMAND_NAMES) {
    api.post(`/v1/rotations/:id/${name}`, async (context) => {
      const given = await body(context, CommandOrSignedBody);
      const asked = 'statement' in given ? signedCommand(name, given) : given;
      return context.json(await commandRotation(desk, context.req.param('id'), name, asked));
    });
  }
  api.get('/v1/nodes', async (context) => context.json(await listNodes(desk)));
  api.get('/v1/nodes/:name', async (context) =>
    context.json(
      await inspectNode(
        desk,
        context.req.param('name'),
        offsetOf(context.req.query('at')),
        context.req.query('checks') === 'all' ? 'every-check' : 'problems',
      ),
    ),
  );
  api.get('/v1/nodes/:name/expected', async (context) => context.json(await expectedOfNode(desk, context.req.param('name'))));
  api.post('/v1/nodes/:name/purge', async (context) => {
    const given = await body(context, PurgeOrSignedBody);
    const asked = 'statement' in given ? signedMandate('node-purge', given) : given;
    return context.json(await purgeNode(desk, context.req.param('name'), asked));
  });
  api.post('/v1/nodes/:name/restore', async (context) => {
    const given = await body(context, RestoreOrSignedBody);
    const asked = 'statement' in given ? signedMandate('node-restore', given) : given;
    return context.json(await restoreNode(desk, context.req.param('name'), asked), 202);
  });
  api.get('/v1/nodes/:name/restore/:line', async (context) =>
    context.json(await restoreStanding(desk, context.req.param('name'), context.req.param('line'))),
  );
  api.get('/v1/schedule', async (context) => context.json(await showSchedule(desk)));
  api.get('/v1/schedule/terms', (context) => context.json(scheduleTerms(desk)));
  api.post('/v1/schedule', async (context) => {
    const given = await body(context, ScheduleOrSignedBody);
    return context.json(await changeScheduleBy(desk, 'statement' in given ? signedScheduleMandate(given) : given));
  });
  api.get('/v1/seats', async (context) => context.json(await listSeats(desk)));
  api.post('/v1/seats', async (context) => context.json(await acquireSeat(desk, await body(context, SeatAcquireBody))));
  api.post('/v1/seats/bookings', async (context) => context.json(await bookSeat(desk, await body(context, SeatBookBody))));
  api.get('/v1/seats/usage', async (context) => context.json(await seatUsage(desk, context.req.query('by'), context.req.query('since'))));
  api.post('/v1/seats/:node/standing', async (context) =>
    context.json(await seatStanding(desk, context.req.param('node'), (await body(context, SeatTokenBody)).token)),
  );
  api.post('/v1/seats/:node/heartbeat', async (context) =>
    context.json(await seatHeartbeat(desk, context.req.param('node'), (await body(context, SeatTokenBody)).token)),
  );
  api.post('/v1/seats/:node/release', async (context) => {
    const asked = await body(context, SeatReleaseBody);
    // Its holder gives it back by the token; to take it from somebody is no pipeline's business.
    if (!('token' in asked)) mustBe(context, 'operator');
    return context.json(await releaseSeat(desk, context.req.param('node'), asked));
  });
  api.get('/v1/impact', async (context) => context.json(await showImpact(desk, context.req.query())));
  api.get('/v1/handoffs', async (context) => context.json(await listHandoffs(desk, context.req.query('line'))));
  api.post('/v1/handoffs', async (context) => context.json(await registerHandoff(desk, await body(context, HandoffSchema))));
  api.post('/v1/claims', async (context) => context.json(await acquireClaim(desk, await body(context, ClaimAcquireBody))));
  api.post('/v1/claims/complete', async (context) => context.json(await completeClaim(desk, await body(context, ClaimCompleteBody))));
  api.post('/v1/claims/release', async (context) => context.json(await releaseClaim(desk, await body(context, ClaimReleaseBody))));
  api.get('/v1/claims', async (context) => context.json(await showClaim(desk, checked(context.req.query(), ClaimKeyBody, 'The query'))));
  api.get('/v1/exports', async (context) => context.json(await listExports(desk, context.req.query('line'))));
  api.post('/v1/exports', async (context) => context.json(await requestExport(desk, await body(context, ExportBody)), 201));
  api.get('/v1/exports/terms', async (context) =>
    context.json(await exportTerms(desk, checked(context.req.query(), ExportTermsQuery, 'The query'))),
  );
  api.get('/v1/exports/:id', async (context) => context.json(await showExport(desk, context.req.param('id'))));
  for (const name of EXPORT_WORDS) {
    api.post(`/v1/exports/:id/${name}`, async (context) =>
      context.json(await tellExport(desk, context.req.param('id'), name, await body(context, ExportBody))),
    );
  }
  api.post('/v1/exports/:id/fetch', async (context) =>
    context.json(await fetchExport(desk, context.req.param('id'), await body(context, ExportBody))),
  );
  api.get('/v1/roster', async (context) => context.json(await showRoster(desk)));
  api.post('/v1/roster', async (context) => context.json(await adoptRoster(desk, await body(context, SignedBody))));
  api.get('/v1/revocations', async (context) => context.json(await showRevocations(desk)));
  api.post('/v1/revocations', async (context) => context.json(await recordRevocation(desk, await body(context, RevocationBody))));
  api.get('/v1/persons/:id', (context) => context.json(personOf(desk, context.req.param('id'))));
  api.get('/v1/lines/:line/terms', async (context) =>
    context.json(await termsOf(desk, context.req.param('line'), context.req.query('revoked'))),
  );
  api.get('/v1/lines/:line/manifests/:sha256', async (context) => {
    const bytes = await manifestBytes(desk, context.req.param('line'), context.req.param('sha256'));
    return context.body(Uint8Array.from(bytes), 200, { 'content-type': 'application/json' });
  });
  api.get('/v1/lines/:line/head', async (context) => {
    const line = context.req.param('line') as LineName;
    const head = await situationOf(desk.around, line).store.head(line);
    if (head === null)
      throw new ResealError(
        'NOT_FOUND',
        `Line ${line} has no manifest yet. Freeze its first one: reseal manifest freeze DIR --line ${line} --first`,
      );
    return context.json({ schemaVersion: 1, head });
  });
  return api;
}

const startOf = (given: z.infer<typeof StartOrSignedBody>): StartRequest => ('statement' in given ? signedStart(given) : given);

async function well(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch {
    return false;
  }
}

async function body<T>(context: Context, schema: z.ZodType<T>): Promise<T> {
  const read = readJson(await context.req.text());
  if (!('value' in read)) throw new ResealError('USAGE', `The body ${read.fault}; it must be one JSON document.`, { cause: read.cause });
  context.set('person', personIn(read.value));
  const asked = checked(read.value, schema, 'The body');
  const { by } = Object(asked) as { readonly by?: unknown };
  if (typeof by === 'string') mustSpeakFor(context, by);
  await context.get('admit')?.(requestFacts(context, read.value));
  return asked;
}

/** In whose name a body asks, for the record; nobody has looked yet whether that is true. */
function personIn(given: unknown): string | undefined {
  const { by, statement } = Object(given) as { readonly by?: unknown; readonly statement?: unknown };
  const person = by ?? (Object(statement) as { readonly person?: unknown }).person;
  return typeof person === 'string' && isName(person) ? person : undefined;
}

/** @throws ResealError USAGE, with what is wrong with each field */
function checked<T>(given: unknown, schema: z.ZodType<T>, what: 'The body' | 'The query'): T {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the document'}: ${issue.message}`);
  throw new ResealError('USAGE', `${what} is not of the form that this route takes.`, { details });
}

/** The record of a rotation, from wherever the listener stopped; ends with the rotation, or with the token: whoever has the next one takes it up there. */
async function events(context: Context, desk: RotationDesk, id: string): Promise<Response> {
  const { rotation } = await showRotation(desk, id);
  const from = Number(context.req.header('last-event-id') ?? context.req.query('after') ?? 0);
  const after = Number.isSafeInteger(from) && from >= 0 ? from : 0;
  if (context.req.query('format') === 'json') {
    return context.json({ schemaVersion: 1, events: (await rotationEvents(desk, id, after)).map(eventView) });
  }
  // Whoever has heard the end already must not wait for more; 204 tells an EventSource not to come back.
  if (rotation.outcome !== null && (await heardTheEnd(desk, id, after))) return context.body(null, 204);
  return streamSSE(context, async (stream) => {
    let seen = after;
    let silent = 0;
    const until = context.get('caller')?.until ?? Infinity;
    while (!stream.aborted && Date.now() < until) {
      const batch = await rotationEvents(desk, id, seen);
      for (const event of batch) {
        seen = event.seq;
        await stream.writeSSE({ id: String(event.seq), event: event.kind, data: JSON.stringify(eventView(event)) });
        if (event.kind === 'outcome') return;
      }
      silent = batch.length === 0 ? silent + 1 : 0;
      if (silent % 50 === 49) await stream.writeSSE({ event: 'ping', data: '' });
      await stream.sleep(FOLLOW_EVERY);
    }
  });
}

/** Whether the outcome is on the record at or before `seq`. */
async function heardTheEnd(desk: RotationDesk, id: string, seq: number): Promise<boolean> {
  if (seq === 0) return false;
  const [last] = await rotationEvents(desk, id, seq - 1);
  return last?.seq === seq && last.kind === 'outcome';
}

/**
 * Listens on `host:port` (0: a free port).
 * @param tls what it proves itself with; missing: plain HTTP, on loopback only
 * @throws ResealError CONFIG_INVALID, API_UNREACHABLE
 */
export function listen(api: Hono, address: string, tls?: ServedIdentity): Promise<RunningHttp> {
  const { host } = hostAndPort(address);
  if (tls === undefined && !isLoopback(host)) {
    throw new ResealError(
      'CONFIG_INVALID',
      `Without TLS the control API listens on loopback only, not on ${host}. Name its certificate and key in reseal.yaml (api.tls), or listen on 127.0.0.1 (api.listen).`,
    );
  }
  return listenOn(
    api,
    address,
    (cause) => new ResealError('API_UNREACHABLE', `The control API cannot listen on ${address}: ${cause.message}.`, { cause }),
    tls,
  );
}
