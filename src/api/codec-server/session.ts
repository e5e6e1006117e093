import { createHmac, timingSafeEqual } from 'node:crypto';

/** How long a browser that has shown the token may read, in milliseconds. */
export const SESSION = 8 * 3_600_000;
const COOKIE = 'reseal-codec';

const mark = (token: string, until: number): string => createHmac('sha256', token).update(`session until ${until}`).digest('base64url');

/** For `Set-Cookie`: the token itself stays out of it. Pages of the same host on another port are of the same site, others are not. @param now milliseconds since 1970 */
export const sessionCookie = (token: string, now: number): string =>
  `${COOKIE}=${now + SESSION}.${mark(token, now + SESSION)}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${SESSION / 1000}`;

/** Whether a `Cookie` header holds a session of this token that has not ended. */
export function isInSession(header: string | undefined, token: string, now: number): boolean {
  const [, until = '', given = ''] = new RegExp(`(?:^|; )${COOKIE}=(\\d{1,15})\\.([\\w-]{43})(?:;|$)`).exec(header ?? '') ?? [];
  if (until === '' || Number(until) < now) return false;
  return timingSafeEqual(Buffer.from(given), Buffer.from(mark(token, Number(until))));
}

const page = (body: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>reseal codec server</title><body>${body}</body></html>`;

export const SIGN_IN = page(
  '<form method="post" action="session"><label>Token of the codec server <input name="token" type="password" autocomplete="off" required></label> <button>Read payloads in this browser</button></form>',
);
export const SIGNED_IN = page(
  "<p>This browser reads payloads for eight hours. In Temporal's UI, set this address as codec endpoint, with cross-origin credentials.</p>",
);
