import type { Context, MiddlewareHandler } from 'hono';
import { facts } from '../../activities/audit/effects.js';
import type { AuditLog, Beginning } from '../../activities/audit/log.js';
import type { AuditFacts } from '../domain/audit/record.js';
import { sha256Of } from '../manifest/digest.js';
import { canonicalBytes } from '../statement/canonical.js';
import { routeOf } from './door.js';
import { asResealError } from './errors.js';

declare module 'hono' {
  interface ContextVariableMap {
    /** Writes the intent of a request that changes something, once its body has the form that its route takes. @throws ResealError AUDIT_UNWRITABLE, AUDIT_SINK_DOWN */
    admit?: (facts: AuditFacts) => Promise<void>;
  }
}

/** What a path names, by the words before it. */
const NAMED_BY_PATH = { id: (path: string) => (path.startsWith('/v1/exports/') ? 'export' : 'rotation'), name: () => 'node', node: () => 'node' } as const; // prettier-ignore
/** What of a body is a fact. Tokens of seats and claims are none, nor is anything that is not here. */
const FIELDS = ['line', 'node', 'ticket', 'holder', 'pipeline', 'job', 'action', 'digest', 'question', 'option', 'manifest'] as const;

/** Around every request that changes something: its intent before, and how it ended after, in the chain of the API. */
export const letIn =
  (audit: Pick<AuditLog, 'begin'>): MiddlewareHandler =>
  async (context, next) => {
    const route = routeOf(context);
    if (route?.method !== 'post' || route.changes === 'nothing') return next();
    const { changes: way, path } = route;
    let begun: Beginning | null = null;
    context.set('admit', async (named) => {
      begun = await audit.begin({ effect: `POST ${path}`, attempt: 1, way, facts: named });
    });
    await next();
    const { error } = context;
    const outcome = error === undefined ? 'done' : 'failed';
    await (begun as Beginning | null)?.end(
      outcome,
      error === undefined ? null : asResealError(error).code,
      facts({ status: context.res.status }),
    );
    return undefined;
  };

/** Who asks for what, by name, number and digest. @param given the body, of the form that the route takes */
export function requestFacts(context: Context, given: unknown): AuditFacts {
  const body = given as Readonly<Record<string, unknown>>;
  const statement = typeof body['statement'] === 'object' && body['statement'] !== null ? (body['statement'] as typeof body) : null;
  const said = statement ?? body;
  const named = Object.fromEntries(FIELDS.map((field) => [field, textOf(said[field])]));
  const parameter = (name: string): string | undefined => context.req.param(name);
  const ofPath = Object.entries(NAMED_BY_PATH).map(([name, nameOf]) => [nameOf(context.req.path), parameter(name)] as const);
  return facts({
    caller: context.get('caller')?.name,
    role: routeOf(context)?.needs,
    person: context.get('person'),
    ...named,
    ...Object.fromEntries(ofPath.filter(([, value]) => value !== undefined)),
    statement: textOf(statement?.['nonce']),
    statementDigest: statement === null ? null : digestOf(statement),
  });
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** Of what was signed; missing where nobody can have signed it. */
function digestOf(statement: object): string | undefined {
  try {
    return sha256Of(canonicalBytes(statement));
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
