import type { z } from 'zod';
import { ResealError } from '../../../src/domain/errors.js';
import { ErrorAnswer } from './wire.js';

/** What came back, read to its end. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export type Role = 'list' | 'create';

const ROLES: Readonly<Record<Role, string>> = {
  list: 'Reading profiles needs the role Developer, App Manager or Admin',
  create: 'Creating profiles needs the role Admin, or App Manager with access to Certificates, Identifiers & Profiles',
};

/** Why App Store Connect did not do what it was asked, in words that say what to do. Nothing of the request is in them. */
export function refusalOf(source: string, what: string, answer: Answer, role: Role): ResealError {
  const says = appleSays(answer);
  const begin = `App Store Connect (source ${source}) did not ${what}`;
  switch (answer.status) {
    case 401:
      return new ResealError(
        'SOURCE_REFUSED',
        `${begin}: it does not accept the key (401).${says} Check keyId, issuerId and key of sources.${source} in reseal.yaml, whether the key was revoked, and this machine's clock.`,
      );
    case 403:
      return new ResealError(
        'SOURCE_REFUSED',
        `${begin}: the key may not do that (403).${says} ${ROLES[role]}; give it under Users and Access, Integrations. It also answers so while an agreement waits for the account holder.`,
      );
    case 404:
      return new ResealError('SOURCE_REFUSED', `${begin}: there is no such thing (404).${says} Somebody may have deleted it meanwhile.`);
    case 400:
    case 409:
    case 422:
      return new ResealError('SOURCE_REFUSED', `${begin} (${answer.status}).${says} Look at it in the developer portal.`);
    case 429:
      return new ResealError(
        'SOURCE_UNREACHABLE',
        `${begin}: its rate limit is used up (429).${says} It counts by the hour and by key; reseal looks again later. Who else uses this key?`,
      );
    default:
      return new ResealError(
        'SOURCE_UNREACHABLE',
        `${begin}: it answered ${answer.status}.${says} Apple's status is at https://developer.apple.com/system-status/; reseal looks again later.`,
      );
  }
}

/** @throws ResealError SOURCE_UNREACHABLE where the answer is not what its specification says */
export function parsedAnswer<T>(source: string, what: string, answer: Answer, schema: z.ZodType<T>): T {
  const document = jsonOf(answer.body);
  if (document === undefined) throw unexpected(source, what, answer, notJson(answer));
  const parsed = schema.safeParse(document);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw unexpected(
    source,
    what,
    answer,
    `a document whose ${issue?.path.join('.') || 'top level'} is not of the form that its specification has`,
  );
}

const unexpected = (source: string, what: string, { status }: Answer, found: string): ResealError =>
  new ResealError(
    'SOURCE_UNREACHABLE',
    `App Store Connect (source ${source}) was asked to ${what} and answered ${status} with ${found}. Look whether something on the way (a proxy, a portal) answers in its place; reseal looks again later.`,
  );

function notJson({ body, contentType }: Answer): string {
  if (body.trim() === '') return 'nothing';
  if (/^\s*<(?:!doctype|html)/i.test(body) || contentType.includes('html')) return 'an HTML page';
  return /^\s*[{[]/.test(body) ? `a JSON document that is cut off after ${Buffer.byteLength(body)} bytes` : 'something that is no JSON';
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Apple's words on one line: they are shown to people, and come from outside. */
function appleSays(answer: Answer): string {
  const parsed = ErrorAnswer.safeParse(jsonOf(answer.body));
  const words = parsed.success
    ? parsed.data.errors.map(({ title, detail }) => [title, detail].filter((one) => one !== undefined && one !== '').join(' ')).join('; ')
    : answer.body.trim() === ''
      ? ''
      : notJson(answer);
  const line = words
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .slice(0, 400);
  return line === '' ? '' : ` It says: ${line.replace(/[.]*$/, '.')}`;
}
