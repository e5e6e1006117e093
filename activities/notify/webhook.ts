import { createHash, createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Notice } from './contract.js';

/** One of `notify.webhooks` in reseal.yaml. */
export interface WebhookTarget {
  readonly url: string;
  readonly secretFile: string;
  readonly events: readonly Notice['event'][];
}

export type Delivery = { readonly ok: true } | { readonly ok: false; readonly retry: boolean; readonly reason: string };

/** The same for every attempt at one notice, so that a receiver can drop repeats. */
export function deliveryId(notice: Notice): string {
  return createHash('sha256').update(JSON.stringify(notice)).digest('hex').slice(0, 32);
}

/** `t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">`; a receiver checks the HMAC and that `t` is recent. */
export function signature(secret: string, body: string, at: number): string {
  const seconds = Math.floor(at / 1_000);
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

/** For people: where it goes, without path and query, which may hold a token. */
function placeOf(url: string): string {
  return `the webhook at ${new URL(url).host}`;
}

/** Time limit of one delivery, in milliseconds. */
const TIMEOUT = 10_000;

/** Posts a notice to one webhook. Never throws; the reason holds neither secret nor the address's path. */
export async function deliver(target: WebhookTarget, notice: Notice, now: number): Promise<Delivery> {
  const place = placeOf(target.url);
  let secret: string;
  try {
    // Read each time: a secret may be changed while the worker runs.
    secret = (await readFile(target.secretFile, 'utf8')).trim();
  } catch {
    return { ok: false, retry: true, reason: `the secret of ${place} cannot be read from ${target.secretFile}` };
  }
  if (secret === '') return { ok: false, retry: true, reason: `the secret of ${place} in ${target.secretFile} is empty` };
  const body = JSON.stringify({ schemaVersion: 1, ...notice });
  try {
    const response = await fetch(target.url, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'reseal-signature': signature(secret, body, now),
        'reseal-delivery': deliveryId(notice),
      },
      // A redirect would carry the notice to a place that nobody configured.
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT),
    });
    await response.body?.cancel();
    if (response.ok) return { ok: true };
    const final = response.status >= 400 && response.status < 500 && response.status !== 408 && response.status !== 429;
    return { ok: false, retry: !final, reason: `${place} answered ${response.status}` };
  } catch (error) {
    const slow = error instanceof Error && error.name === 'TimeoutError';
    return { ok: false, retry: true, reason: slow ? `${place} did not answer within ${TIMEOUT / 1_000} s` : `${place} cannot be reached` };
  }
}
