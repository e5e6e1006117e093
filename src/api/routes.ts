import { HandoffSchema } from '../schema/handoff.js';
import { z } from 'zod';
import type { ApiRole } from '../domain/api-roles.js';
import { NAME_PATTERN } from '../domain/brands.js';
import { LONGEST_SIGNATURE } from '../domain/signing/standing.js';
import { COMMAND_NAMES, type CommandName } from '../domain/rotation/commands.js';
import { SCHEDULE_ACTIONS } from '../domain/schedule-mandate.js';
import { lines, name, text } from '../schema/fields.js';

const person = text.max(64);
/** Its form is the policy's. */
export const ticket = text.max(64);
/** What expiries are compared with. */
const date = z.union([z.iso.date(), z.iso.datetime({ offset: true })], { error: 'a date like 2026-11-29 or 2026-11-29T09:00:00Z' });
const digest = z.string().regex(/^[0-9a-f]{64}$/, { error: 'a SHA-256, 64 lower-case hexadecimal digits' });

/** What a person has signed; its own form is judged where it counts (src/domain/rotation/statement.ts). */
export const SignedBody = z.strictObject({
  statement: z.record(z.string(), z.unknown(), { error: 'a statement, as reseal signs it' }),
  signature: lines.max(LONGEST_SIGNATURE),
});

/** Signed, or by name alone. */
export const RevocationBody = SignedBody.extend({ signature: SignedBody.shape.signature.nullable() });

export const StartBody = z.strictObject({
  line: text,
  by: person,
  ticket,
  at: date.optional(),
  successors: z.array(text).max(1_000).optional(),
  after: text.optional(),
  /** An emergency: the serial number or SHA-1 of the certificate that was revoked. */
  revoked: text.max(64).optional(),
});

/** Serial number, its last six digits or more, or SHA-1 of a certificate that an emergency is to replace. */
export const TermsQuery = z.strictObject({ revoked: text.max(64).optional() });

/** By name alone, or signed. A union of two would say of neither what is wrong with it. */
const nameOrSigned = <T extends z.ZodType>(byName: T) =>
  z.unknown().transform((given, context): z.infer<T> | z.infer<typeof SignedBody> => {
    const schema = given !== null && typeof given === 'object' && 'statement' in given ? SignedBody : byName;
    const parsed = schema.safeParse(given);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) context.addIssue({ code: 'custom', message: issue.message, path: issue.path });
    return z.NEVER;
  });

export const StartOrSignedBody = nameOrSigned(StartBody);

export const AdoptBody = z.strictObject({ by: person, ticket });
export const AdoptOrSignedBody = nameOrSigned(AdoptBody);

export const PlanBody = StartBody.partial({ by: true, ticket: true });

export const CommandBody = z.strictObject({
  by: person,
  ticket,
  digest: digest.optional(),
  reason: lines.max(1_000).optional(),
  question: text.optional(),
  option: text.optional(),
  as: z.literal('partial').optional(),
  nodes: z.array(text).max(1_000).optional(),
});

export const CommandOrSignedBody = nameOrSigned(CommandBody);

export const PurgeBody = z.strictObject({ by: person, ticket });
/** On all lines that the node follows where none is named. */
export const RestoreBody = z.strictObject({ by: person, ticket, line: text.optional() });
export const PurgeOrSignedBody = nameOrSigned(PurgeBody);
export const RestoreOrSignedBody = nameOrSigned(RestoreBody);

export const ScheduleBody = z.strictObject({ action: z.enum(SCHEDULE_ACTIONS), at: date.optional(), by: person, ticket });
export const ScheduleOrSignedBody = nameOrSigned(ScheduleBody);

const claimText = text.max(120);

/** Who asks for a seat, and which one: a node's, or any of a line. */
const asksForSeat = { node: text.optional(), line: text.optional(), holder: claimText, pipeline: claimText, ticket, job: claimText };
type Place = { readonly node?: string | undefined; readonly line?: string | undefined };
const namesOnePlace = ({ node, line }: Place): boolean => (node === undefined) !== (line === undefined);
const EITHER = { error: 'either a node or a line' };
/** What `namesOnePlace` checks, in words of JSON Schema. */
const ONE_PLACE = { oneOf: [{ required: ['node'] }, { required: ['line'] }] };

export const SeatAcquireBody = z
  .strictObject({
    ...asksForSeat,
    /** Milliseconds; the policy's lease where it is missing. */
    lease: z.int().positive().optional(),
    /** Milliseconds; 0: only if it is free now. */
    wait: z.int().min(0),
  })
  .refine(namesOnePlace, EITHER)
  .meta(ONE_PLACE);

export const SeatBookBody = z
  .strictObject({
    ...asksForSeat,
    from: z.iso.datetime({ offset: true }),
    /** Milliseconds. */
    length: z.int().positive(),
  })
  .refine(namesOnePlace, EITHER)
  .meta(ONE_PLACE);

export const SeatTokenBody = z.strictObject({ token: text.max(64) });

/** By token, or by an operator: then by holder, with who says so and why, or signed. */
export const SeatReleaseBody = z.union([
  SeatTokenBody,
  z.strictObject({ holder: claimText, job: claimText.optional(), by: person, ticket }),
  SignedBody,
]);

/** What a person says of an export, and signs where they have a key. */
export const ExportBody = z.strictObject({
  statement: z.record(z.string(), z.unknown(), { error: 'a statement, as reseal makes it' }),
  signature: z.union([lines.max(LONGEST_SIGNATURE), z.null()], { error: 'the signature, or null where nobody signs' }),
});

/** Which export is wanted. */
export const ExportTermsQuery = z.strictObject({
  identity: text.max(64).meta({ pattern: '^[0-9A-Fa-f]{40}$' }),
  receiver: text.max(64),
  node: text.max(64).optional(),
  line: text.max(64).optional(),
  /** Milliseconds. */
  fetchWithin: z
    .string()
    .regex(/^[0-9]{1,15}$/, { error: 'milliseconds' })
    .transform(Number)
    .optional(),
});

export const EXPORT_WORDS = ['approve', 'reject', 'withdraw'] as const;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, { error: 'a SHA-256: 64 hexadecimal digits in lower case' });
/** As Apple's: letters, digits, hyphens and periods; it becomes part of a workflow's id. */
const bundleId = z
  .string()
  .regex(/^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/, { error: 'a bundle id like com.acme.courier' })
  .max(155);
/** Where a signed artifact is. What stands before an @ in an address could be a password. */
const location = text.max(500).refine((given) => !/:\/\/[^/?#]*@/.test(given), { error: 'an address without user name and password' });

export const ClaimKeyBody = z.strictObject({
  artifact: sha256,
  bundleId,
  method: z.enum(['app-store', 'ad-hoc', 'development', 'enterprise']),
});

export const ClaimAcquireBody = z.strictObject({
  key: ClaimKeyBody,
  holder: claimText,
  pipeline: claimText,
  ticket,
  job: claimText,
  manifest: sha256,
  /** Milliseconds; the policy's lease where it is missing. */
  lease: z.int().positive().optional(),
  purpose: z.enum(['sign', 'resign']),
});

export const ClaimCompleteBody = z.strictObject({ key: ClaimKeyBody, token: text.max(64), signed: sha256, location: location.optional() });
export const ClaimReleaseBody = z.strictObject({ key: ClaimKeyBody, token: text.max(64) });

/** `forward`: it waits while it cannot be recorded; `back`: it goes on. `nothing`: it changes nothing, and leaves no record. */
export type RouteChanges = 'forward' | 'back' | 'nothing';

interface AnyRoute {
  readonly path: string;
  readonly summary: string;
  /** The role that a caller must have. */
  readonly needs: ApiRole | 'anyone';
  /** What may stand after the question mark; missing: nothing that counts. */
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Of what is done. Default: 200, with a document in JSON. */
  readonly answer?: { readonly status?: 201 | 202; readonly type?: 'text/event-stream' };
}

export type RouteDescription = AnyRoute & ({ readonly method: 'get' } | { readonly method: 'post'; readonly changes: RouteChanges });

const OfLine = z.strictObject({ line: name.optional() });
const number = z.string().regex(/^[0-9]{1,15}$/, { error: 'the number of a record' });
const EventsQuery = z.strictObject({ after: number.optional(), format: z.literal('json').optional() });
const NodeQuery = z.strictObject({ at: date.optional(), checks: z.literal('all').optional() });
const UsageQuery = z.strictObject({ by: z.enum(['pipeline', 'holder', 'node']).optional(), since: date.optional() });
/** One of them. */
const ImpactQuery = z.strictObject({
  certificate: text.meta({ pattern: '^[0-9A-Fa-f]{6,40}$' }).optional(),
  profile: text.meta({ format: 'uuid' }).optional(),
  node: text.meta({ pattern: NAME_PATTERN }).optional(),
});

/** What decides whether a rotation goes on is for those who approve. */
const COMMAND_NEEDS: Readonly<Record<CommandName, ApiRole>> = {
  approve: 'approver',
  reject: 'approver',
  withdraw: 'approver',
  pause: 'operator',
  resume: 'operator',
  cancel: 'operator',
  rollback: 'operator',
  answer: 'operator',
  close: 'operator',
  retry: 'operator',
  // By the roster both approvers and who is called in an incident may: the signature tells who it is.
  exclude: 'reader',
};

/** What stops, ends or turns a rotation back is not held up; an answer may be any of them. */
const COMMAND_CHANGES: Readonly<Record<CommandName, RouteChanges>> = {
  approve: 'forward',
  reject: 'back',
  withdraw: 'back',
  pause: 'back',
  resume: 'forward',
  cancel: 'back',
  rollback: 'back',
  answer: 'back',
  close: 'back',
  retry: 'forward',
  exclude: 'forward',
};

/** Who asked for an export, and who approved it, both take back what they said: the signature tells who it is. */
const EXPORT_NEEDS: Readonly<Record<(typeof EXPORT_WORDS)[number], ApiRole>> = {
  approve: 'approver',
  reject: 'approver',
  withdraw: 'reader',
};

/** Every route under `/v1`, and who may take it: one that is not here is answered to nobody. */
export const ROUTES: readonly RouteDescription[] = [
  { method: 'get', path: '/v1/healthz', needs: 'anyone', summary: 'Whether the API, Temporal and the database answer; needs no token' },
  { method: 'get', path: '/v1/openapi.json', needs: 'anyone', summary: 'This description; needs no token' },
  { method: 'get', path: '/v1/rotations', needs: 'reader', summary: 'Rotations, newest first', query: OfLine },
  {
    method: 'post',
    path: '/v1/rotations',
    needs: 'operator',
    changes: 'forward',
    summary: 'Start a rotation',
    body: z.union([StartBody, SignedBody]),
    answer: { status: 201 },
  },
  {
    method: 'get',
    path: '/v1/lines/{line}/terms',
    needs: 'reader',
    summary: 'What a statement about the line has to name, and whether a name alone counts; ?revoked=SERIAL finds the certificate in force',
    query: TermsQuery,
  },
  {
    method: 'post',
    path: '/v1/rotations/plan',
    needs: 'reader',
    changes: 'nothing',
    summary: 'What a rotation would do, with its arithmetic',
    body: PlanBody,
  },
  { method: 'get', path: '/v1/rotations/{id}', needs: 'reader', summary: 'One rotation, and what it would replace' },
  { method: 'get', path: '/v1/rotations/{id}/nodes', needs: 'reader', summary: 'Its nodes, one by one' },
  {
    method: 'get',
    path: '/v1/rotations/{id}/events',
    needs: 'reader',
    summary: 'Its record as server-sent events, after a number (or Last-Event-ID); ?format=json for those so far',
    query: EventsQuery,
    answer: { type: 'text/event-stream' },
  },
  {
    method: 'post',
    path: '/v1/rotations/{id}/adopt',
    needs: 'operator',
    changes: 'forward',
    summary: 'Go on with a rotation whose workflow has ended without an outcome',
    body: z.union([AdoptBody, SignedBody]),
    answer: { status: 201 },
  },
  ...COMMAND_NAMES.map((name): RouteDescription => ({
    method: 'post',
    path: `/v1/rotations/{id}/${name}`,
    needs: COMMAND_NEEDS[name],
    changes: COMMAND_CHANGES[name],
    summary: `The operator's command ${name}, signed, or by name alone where that counts`,
    body: z.union([CommandBody, SignedBody]),
  })),
  { method: 'get', path: '/v1/lines/{line}/manifests/{sha256}', needs: 'reader', summary: 'The bytes of a frozen manifest' },
  { method: 'get', path: '/v1/persons/{id}', needs: 'reader', summary: 'A person of the roster, and the keys that they sign with' },
  { method: 'get', path: '/v1/roster', needs: 'reader', summary: 'The roster as it is, and as people have adopted it' },
  { method: 'post', path: '/v1/roster', needs: 'approver', changes: 'forward', summary: 'Adopt it, signed', body: SignedBody },
  {
    method: 'get',
    path: '/v1/revocations',
    needs: 'reader',
    summary: 'What people have recorded of revoked certificates, and whether it is proven',
  },
  {
    method: 'post',
    path: '/v1/revocations',
    needs: 'operator',
    changes: 'back',
    summary: 'Record that a certificate is revoked, or was said to be by mistake; signed, or by name alone where that counts',
    body: RevocationBody,
  },
  { method: 'get', path: '/v1/nodes', needs: 'reader', summary: 'Declared nodes, with what was last read off them' },
  {
    method: 'get',
    path: '/v1/nodes/{name}',
    needs: 'reader',
    summary: 'Node truth, read now; with every check, or only the problems',
    query: NodeQuery,
  },
  {
    method: 'get',
    path: '/v1/nodes/{name}/expected',
    needs: 'reader',
    summary: 'What a node should have, by its declaration and the heads of its lines',
  },
  {
    method: 'post',
    path: '/v1/nodes/{name}/purge',
    needs: 'operator',
    changes: 'forward',
    summary: 'Destroy the retired keychains of a node that no rollback can need any more',
    body: z.union([PurgeBody, SignedBody]),
  },
  {
    method: 'post',
    path: '/v1/nodes/{name}/restore',
    needs: 'operator',
    changes: 'back',
    summary: 'Bring a node to the manifest in force',
    body: z.union([RestoreBody, SignedBody]),
    answer: { status: 202 },
  },
  {
    method: 'get',
    path: '/v1/nodes/{name}/restore/{line}',
    needs: 'reader',
    summary: 'How its newest restore on a line stands; waits some seconds for its end',
  },
  { method: 'get', path: '/v1/schedule', needs: 'reader', summary: 'The schedule of the expiry scan, and who made or paused it last' },
  {
    method: 'post',
    path: '/v1/schedule',
    needs: 'operator',
    changes: 'forward',
    summary: 'Ensure, trigger, pause or remove it, signed or by name where that counts',
    body: z.union([ScheduleBody, SignedBody]),
  },
  { method: 'get', path: '/v1/schedule/terms', needs: 'reader', summary: 'What a statement about the schedule has to name' },
  { method: 'get', path: '/v1/seats', needs: 'reader', summary: 'Seats of signers: who holds one, who waits, who has booked one' },
  {
    method: 'post',
    path: '/v1/seats',
    needs: 'pipeline',
    changes: 'forward',
    summary: 'Ask for a seat, or again for the same job',
    body: SeatAcquireBody,
  },
  {
    method: 'post',
    path: '/v1/seats/bookings',
    needs: 'pipeline',
    changes: 'forward',
    summary: 'Book a seat for later, or again with other times',
    body: SeatBookBody,
  },
  {
    method: 'get',
    path: '/v1/seats/usage',
    needs: 'reader',
    summary: 'What was held and waited for, by day',
    query: UsageQuery,
  },
  {
    method: 'post',
    path: '/v1/seats/{node}/standing',
    needs: 'pipeline',
    changes: 'nothing',
    summary: 'Where a claim stands',
    body: SeatTokenBody,
  },
  {
    method: 'post',
    path: '/v1/seats/{node}/heartbeat',
    needs: 'pipeline',
    changes: 'nothing',
    summary: 'Say that the holder, or one who waits, is alive',
    body: SeatTokenBody,
  },
  {
    method: 'post',
    path: '/v1/seats/{node}/release',
    needs: 'pipeline',
    changes: 'back',
    summary: 'Give a seat or a booking back, or take it from its holder',
    body: SeatReleaseBody,
  },
  {
    method: 'get',
    path: '/v1/impact',
    needs: 'reader',
    summary: 'What falls with a certificate (SHA-1 or serial number), a profile or a node',
    query: ImpactQuery,
  },
  { method: 'get', path: '/v1/handoffs', needs: 'reader', summary: 'Handoffs that have not expired', query: OfLine },
  {
    method: 'post',
    path: '/v1/handoffs',
    needs: 'pipeline',
    changes: 'back',
    summary: 'Register a handoff: a build in flight',
    body: HandoffSchema,
  },
  {
    method: 'post',
    path: '/v1/claims',
    needs: 'pipeline',
    changes: 'forward',
    summary: 'Ask for the right to sign an artifact, or again for the same job',
    body: ClaimAcquireBody,
  },
  {
    method: 'post',
    path: '/v1/claims/complete',
    needs: 'pipeline',
    changes: 'back',
    summary: 'Say what was signed',
    body: ClaimCompleteBody,
  },
  {
    method: 'post',
    path: '/v1/claims/release',
    needs: 'pipeline',
    changes: 'back',
    summary: 'Give a claim up unsigned',
    body: ClaimReleaseBody,
  },
  {
    method: 'get',
    path: '/v1/claims',
    needs: 'reader',
    summary: 'Who signs an artifact, and what was signed',
    query: ClaimKeyBody,
  },
  { method: 'get', path: '/v1/exports', needs: 'reader', summary: 'Exports of identities, newest first', query: OfLine },
  {
    method: 'post',
    path: '/v1/exports',
    needs: 'operator',
    changes: 'forward',
    summary: 'Ask for an export',
    body: ExportBody,
    answer: { status: 201 },
  },
  { method: 'get', path: '/v1/exports/terms', needs: 'reader', summary: 'What a request has to name', query: ExportTermsQuery },
  { method: 'get', path: '/v1/exports/{id}', needs: 'reader', summary: 'One export' },
  ...EXPORT_WORDS.map((name): RouteDescription => ({
    method: 'post',
    path: `/v1/exports/{id}/${name}`,
    needs: EXPORT_NEEDS[name],
    changes: name === 'approve' ? 'forward' : 'back',
    summary: `Say ${name} of an export, signed, or by name alone where that counts`,
    body: ExportBody,
  })),
  {
    method: 'post',
    path: '/v1/exports/{id}/fetch',
    needs: 'reader',
    changes: 'forward',
    summary: 'Hand out what was sealed, once, to who signs for it',
    body: ExportBody,
  },
  { method: 'get', path: '/v1/lines/{line}/head', needs: 'reader', summary: "A line's head in the store" },
];
