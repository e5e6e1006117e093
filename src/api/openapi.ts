import { type z } from 'zod';
import { NAME_PATTERN } from '../domain/brands.js';
import { describedSchema } from '../schema/patterns.js';
import { ROUTES, ticket, type RouteDescription } from './routes.js';

/** What stands in a path, by the name of its place; where it is not here, the name of something. */
const IN_PATH: Readonly<Record<string, string>> = { id: NAME_PATTERN.replace(/\$$/, '-[1-9][0-9]{0,8}$'), sha256: '^[0-9a-f]{64}$' };
const inPath = (path: string, place: string): string => (path.startsWith('/v1/persons/') ? NAME_PATTERN : (IN_PATH[place] ?? NAME_PATTERN));

/** Paths of a route, for whoever asks by another method than its own. */
export const pathPattern = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{(\w+)\}/g, (_whole, place: string) => inPath(path, place).slice(1, -1))}$`);

const DOCUMENT = { type: 'object', required: ['schemaVersion'], properties: { schemaVersion: { const: 1 } } };
const text = { type: 'string' };
const FAILURE = {
  type: 'object',
  required: ['schemaVersion', 'error'],
  properties: {
    schemaVersion: { const: 1 },
    error: {
      type: 'object',
      required: ['code', 'message', 'details'],
      properties: { code: text, message: text, details: { type: 'array', items: text } },
      additionalProperties: false,
    },
  },
  additionalProperties: false,
};
const json = (schema: object): object => ({ 'application/json': { schema } });

/** OpenAPI 3.1, made from the same schemas that check the requests. @param ticketPattern of the policy */
export function openApi(ticketPattern: string): object {
  const patterns = new Map<unknown, string>([[ticket, ticketPattern]]);
  const paths: Record<string, Record<string, object>> = {};
  for (const route of ROUTES) paths[route.path] = { ...paths[route.path], [route.method]: operation(route, patterns) };
  return {
    openapi: '3.1.0',
    info: { title: 'reseal control API', version: '1' },
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } }, schemas: { Failure: FAILURE } },
    security: [{ token: [] }],
    paths,
  };
}

function operation(route: RouteDescription, patterns: ReadonlyMap<unknown, string>): object {
  const { path, summary, needs, body, query, answer = {} } = route;
  const parameters = [...placesIn(path), ...(query === undefined ? [] : questionsIn(query, patterns))];
  const stream = answer.type === undefined ? {} : { [answer.type]: { schema: text } };
  return {
    summary,
    description: needs === 'anyone' ? 'Needs no token.' : `Needs the role ${needs}.`,
    ...(needs === 'anyone' ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: json(describedSchema(body, patterns)) } }),
    responses: {
      [answer.status ?? 200]: { description: 'Done', content: { ...json(path === '/v1/openapi.json' ? {} : DOCUMENT), ...stream } },
      ...(answer.type === undefined ? {} : { 204: { description: 'Nothing more will come' } }),
      ...(path === '/v1/healthz' ? { 503: { description: 'Something does not answer', content: json(DOCUMENT) } } : {}),
      default: { description: 'It was not done, and why', content: json({ $ref: '#/components/schemas/Failure' }) },
    },
  };
}

const placesIn = (path: string): readonly object[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    ...{ name, in: 'path', required: true },
    schema: { ...text, pattern: inPath(path, name) },
  }));

function questionsIn(query: z.ZodObject, patterns: ReadonlyMap<unknown, string>): readonly object[] {
  const described = describedSchema(query, patterns) as { properties?: Readonly<Record<string, object>>; required?: readonly string[] };
  const { properties = {}, required = [] } = described;
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: required.includes(name), schema }));
}
