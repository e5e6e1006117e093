import { HandoffSchema } from '../schema/handoff.js';
import { z } from 'zod';
import { LONGEST_SIGNATURE } from '../domain/signing/standing.js';
import type { CommandName } from '../domain/rotation/commands.js';
import { lines, text } from '../schema/fields.js';

const person = text.max(64);
const ticket = text.max(64);
const digest = z.string().regex(/^[0-9a-f]{64}$/, { error: 'a SHA-256, 64 lower-case hexadecimal digits' });

/** What a person has signed; its own form is judged where it counts (src/domain/rotation/statement.ts). */
export const SignedBody = z.strictObject({
  statement: z.record(z.string(), z.unknown(), { error: 'a statement, as reseal signs it' }),
  signature: lines.max(LONGEST_SIGNATURE),
});

export const StartBody = z.strictObject({
  line: text,
  by: person,
  ticket,
  at: text.optional(),
  successors: z.array(text).max(1_000).optional(),
  after: text.optional(),
});

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

export const ScheduleBody = z.strictObject({
  action: z.enum(['ensure', 'trigger', 'pause', 'unpause', 'remove']),
  at: text.optional(),
});

const claimText = text.max(120);

/** Who asks for a seat, and which one: a node's, or any of a line. */
const asksForSeat = { node: text.optional(), line: text.optional(), holder: claimText, pipeline: claimText, ticket, job: claimText };
type Place = { readonly node?: string | undefined; readonly line?: string | undefined };
const namesOnePlace = ({ node, line }: Place): boolean => (node === undefined) !== (line === undefined);
const EITHER = { error: 'either a node or a line' };

export const SeatAcquireBody = z
  .strictObject({
    ...asksForSeat,
    /** Milliseconds; the policy's lease where it is missing. */
    lease: z.int().positive().optional(),
    /** Milliseconds; 0: only if it is free now. */
    wait: z.int().min(0),
  })
  .refine(namesOnePlace, EITHER);

export const SeatBookBody = z
  .strictObject({
    ...asksForSeat,
    from: z.iso.datetime({ offset: true }),
    /** Milliseconds. */
    length: z.int().positive(),
  })
  .refine(namesOnePlace, EITHER);

export const SeatTokenBody = z.strictObject({ token: text.max(64) });

/** By token, or by an operator: then by holder, with who says so and why. */
export const SeatReleaseBody = z.union([
  SeatTokenBody,
  z.strictObject({ holder: claimText, job: claimText.optional(), by: person, ticket }),
]);

/** What a person says of an export, and signs where they have a key. */
export const ExportBody = z.strictObject({
  statement: z.record(z.string(), z.unknown(), { error: 'a statement, as reseal makes it' }),
  signature: z.union([lines.max(LONGEST_SIGNATURE), z.null()], { error: 'the signature, or null where nobody signs' }),
});

/** Which export is wanted. */
export const ExportTermsQuery = z.strictObject({
  identity: text.max(64),
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

export const COMMAND_NAMES = [
  'approve',
  'reject',
  'withdraw',
  'pause',
  'resume',
  'cancel',
  'rollback',
  'answer',
  'close',
  'retry',
] as const satisfies readonly CommandName[];

interface RouteDescription {
  readonly method: 'get' | 'post';
  readonly path: string;
  readonly summary: string;
  readonly body?: z.ZodType;
}

/** Every route under `/v1`, for the server's own table of contents. */
export const ROUTES: readonly RouteDescription[] = [
  { method: 'get', path: '/v1/healthz', summary: 'Whether the API, Temporal and the database answer; needs no token' },
  { method: 'get', path: '/v1/openapi.json', summary: 'This description; needs no token' },
  { method: 'get', path: '/v1/rotations', summary: 'Rotations, newest first; ?line=' },
  { method: 'post', path: '/v1/rotations', summary: 'Start a rotation', body: z.union([StartBody, SignedBody]) },
  {
    method: 'get',
    path: '/v1/lines/{line}/terms',
    summary: 'What a statement about the line has to name, and whether a name alone counts',
  },
  { method: 'post', path: '/v1/rotations/plan', summary: 'What a rotation would do, with its arithmetic', body: PlanBody },
  { method: 'get', path: '/v1/rotations/{id}', summary: 'One rotation, and what it would replace' },
  { method: 'get', path: '/v1/rotations/{id}/nodes', summary: 'Its nodes, one by one' },
  {
    method: 'get',
    path: '/v1/rotations/{id}/events',
    summary: 'Its record as server-sent events; ?after=SEQ or Last-Event-ID; ?format=json for those so far',
  },
  ...COMMAND_NAMES.map((name): RouteDescription => ({
    method: 'post',
    path: `/v1/rotations/{id}/${name}`,
    summary: `The operator's command ${name}, signed, or by name alone where that counts`,
    body: z.union([CommandBody, SignedBody]),
  })),
  { method: 'get', path: '/v1/lines/{line}/manifests/{sha256}', summary: 'The bytes of a frozen manifest' },
  { method: 'get', path: '/v1/persons/{id}', summary: 'A person of the roster, and the keys that they sign with' },
  { method: 'get', path: '/v1/nodes', summary: 'Declared nodes, with what was last read off them' },
  { method: 'get', path: '/v1/nodes/{name}', summary: 'Node truth, read now; ?checks=all for every check, not only the problems' },
  { method: 'get', path: '/v1/nodes/{name}/expected', summary: 'What a node should have, by its declaration and the heads of its lines' },
  {
    method: 'post',
    path: '/v1/nodes/{name}/purge',
    summary: 'Destroy the retired keychains of a node that no rollback can need any more',
    body: PurgeBody,
  },
  { method: 'post', path: '/v1/nodes/{name}/restore', summary: 'Bring a node to the manifest in force', body: RestoreBody },
  {
    method: 'get',
    path: '/v1/nodes/{name}/restore/{line}',
    summary: 'How its newest restore on a line stands; waits some seconds for its end',
  },
  { method: 'get', path: '/v1/schedule', summary: 'The schedule of the expiry scan' },
  { method: 'post', path: '/v1/schedule', summary: 'Ensure, trigger, pause or remove it', body: ScheduleBody },
  { method: 'get', path: '/v1/seats', summary: 'Seats of signers: who holds one, who waits, who has booked one' },
  { method: 'post', path: '/v1/seats', summary: 'Ask for a seat, or again for the same job', body: SeatAcquireBody },
  { method: 'post', path: '/v1/seats/bookings', summary: 'Book a seat for later, or again with other times', body: SeatBookBody },
  { method: 'get', path: '/v1/seats/usage', summary: 'What was held and waited for, by day; ?by=pipeline, holder or node; ?since=DATE' },
  { method: 'post', path: '/v1/seats/{node}/standing', summary: 'Where a claim stands', body: SeatTokenBody },
  { method: 'post', path: '/v1/seats/{node}/heartbeat', summary: 'Say that the holder, or one who waits, is alive', body: SeatTokenBody },
  {
    method: 'post',
    path: '/v1/seats/{node}/release',
    summary: 'Give a seat or a booking back, or take it from its holder',
    body: SeatReleaseBody,
  },
  { method: 'get', path: '/v1/impact', summary: 'What falls with ?certificate=SHA1|SERIAL, ?profile=UUID or ?node=NAME' },
  { method: 'get', path: '/v1/handoffs', summary: 'Handoffs that have not expired; ?line=LINE' },
  { method: 'post', path: '/v1/handoffs', summary: 'Register a handoff: a build in flight', body: HandoffSchema },
  {
    method: 'post',
    path: '/v1/claims',
    summary: 'Ask for the right to sign an artifact, or again for the same job',
    body: ClaimAcquireBody,
  },
  { method: 'post', path: '/v1/claims/complete', summary: 'Say what was signed', body: ClaimCompleteBody },
  { method: 'post', path: '/v1/claims/release', summary: 'Give a claim up unsigned', body: ClaimReleaseBody },
  { method: 'get', path: '/v1/claims', summary: 'Who signs an artifact, and what was signed; ?artifact=SHA&bundleId=ID&method=METHOD' },
  { method: 'get', path: '/v1/exports', summary: 'Exports of identities, newest first; ?line=' },
  { method: 'post', path: '/v1/exports', summary: 'Ask for an export', body: ExportBody },
  {
    method: 'get',
    path: '/v1/exports/terms',
    summary: 'What a request has to name; ?identity=SHA1&receiver=ID, with node=, line= and fetchWithin=MILLISECONDS',
  },
  { method: 'get', path: '/v1/exports/{id}', summary: 'One export' },
  ...EXPORT_WORDS.map((name): RouteDescription => ({
    method: 'post',
    path: `/v1/exports/{id}/${name}`,
    summary: `Say ${name} of an export, signed, or by name alone where that counts`,
    body: ExportBody,
  })),
  { method: 'post', path: '/v1/exports/{id}/fetch', summary: 'Hand out what was sealed, once', body: ExportBody },
  { method: 'get', path: '/v1/lines/{line}/head', summary: "A line's head in the store" },
];

/** OpenAPI 3.1, made from the same schemas that check the requests. */
export function openApi(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const { method, path, summary, body } of ROUTES) {
    const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    }));
    paths[path] = {
      ...paths[path],
      [method]: {
        summary,
        ...(parameters.length === 0 ? {} : { parameters }),
        ...(body === undefined
          ? {}
          : { requestBody: { required: true, content: { 'application/json': { schema: z.toJSONSchema(body, { io: 'input' }) } } } }),
        responses: { 200: { description: 'Done' }, default: { description: 'An error: {schemaVersion, error: {code, message, details}}' } },
      },
    };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'reseal control API', version: '1' },
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    security: [{ token: [] }],
    paths,
  };
}
