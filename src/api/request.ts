import { X509Certificate } from 'node:crypto';
import { request as requestPlainly } from 'node:http';
import { request as requestOverTls, type RequestOptions } from 'node:https';
import { Readable } from 'node:stream';

/** By what a server over TLS is believed. */
export type Trust =
  /** By the authorities that Node.js knows. */
  | { readonly kind: 'public' }
  /** By these alone, in PEM. */
  | { readonly kind: 'authority'; readonly pem: string }
  /** It has this very certificate, whatever name it is reached by. */
  | { readonly kind: 'certificate'; readonly pem: string };

export interface Asked {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  readonly trust: Trust;
}

/** Codes of Node.js and OpenSSL for a server that has not proved who it is. */
const UNPROVEN = /^(?:ERR_TLS_CERT|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|ERR_SSL|EPROTO|ERR_RESEAL_OTHER_CERTIFICATE)/;

/** Whether a request failed since the server did not prove who it is, or does not speak TLS. */
export const isUnproven = (error: unknown): boolean =>
  UNPROVEN.test(String((error as NodeJS.ErrnoException | null)?.code)) || (error as { reason?: unknown } | null)?.reason === 'unable to get issuer certificate'; // prettier-ignore

/**
 * As `fetch`, which takes no authority for one request alone. A connection for each request, no redirect is followed, nothing is unpacked.
 * @throws what Node.js throws where there is no answer
 */
export function request(url: URL, { method, headers, body, signal, trust }: Asked): Promise<Response> {
  const options: RequestOptions = {
    ...{ method, headers: { ...headers, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) }, agent: false },
    ...(signal === undefined ? {} : { signal }),
    ...believing(trust),
  };
  return new Promise((resolve, reject) => {
    const asked = (url.protocol === 'https:' ? requestOverTls : requestPlainly)(url, options, (incoming) => {
      const { statusCode: status = 500, headersDistinct } = incoming;
      const isEmpty = status === 204 || status === 304;
      if (isEmpty) incoming.resume();
      const pairs = Object.entries(headersDistinct).flatMap(([name, values]) => (values ?? []).map((value): [string, string] => [name, value])); // prettier-ignore
      resolve(new Response(isEmpty ? null : (Readable.toWeb(incoming) as ReadableStream), { status, headers: pairs }));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

function believing(trust: Trust): RequestOptions {
  switch (trust.kind) {
    case 'public':
      return {};
    case 'authority':
      return { ca: trust.pem };
    case 'certificate': {
      const expected = new X509Certificate(trust.pem);
      return {
        // OpenSSL stops at a certificate that is trusted itself, whoever issued it.
        ...({ ca: trust.pem, allowPartialTrustChain: true } as RequestOptions),
        checkServerIdentity: (_host, { raw }) =>
          expected.raw.equals(raw) ? undefined : Object.assign(new Error('it is another certificate'), { code: 'ERR_RESEAL_OTHER_CERTIFICATE' }), // prettier-ignore
      };
    }
  }
}
