import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { isLoopback } from '../api/loopback.js';
import { request, type Trust } from '../api/request.js';
import { ResealError } from '../domain/errors.js';
import { claim } from '../temporal/file-lock.js';

const given = (value: string | undefined): string | undefined => (value === undefined || value === '' ? undefined : value);

function stateFolder(env: NodeJS.ProcessEnv): string {
  return join(given(env['XDG_STATE_HOME']) ?? join(homedir(), '.local', 'state'), 'reseal');
}

/** `--home`, else `RESEAL_HOME`, else `$XDG_STATE_HOME/reseal`; absolute. */
export function homeFolder(flag: string | undefined, env: NodeJS.ProcessEnv, cwd: string): string {
  return resolve(cwd, given(flag) ?? given(env['RESEAL_HOME']) ?? stateFolder(env));
}

/** Where `reseal demo` lives unless a home is named. */
export function demoHomeFolder(flag: string | undefined, env: NodeJS.ProcessEnv, cwd: string): string {
  return resolve(cwd, given(flag) ?? given(env['RESEAL_HOME']) ?? join(stateFolder(env), 'demo'));
}

/** `<home>/endpoint.json`: how to reach the control API of the `up` that runs on this home. */
export interface Endpoint {
  readonly url: string;
  /** A file with mode 0600 that holds the bearer token; null where none is asked for. */
  readonly tokenFile: string | null;
  /** A file with the certificate that it proves itself with now; null or missing: plain HTTP. */
  readonly certificate?: string | null;
  readonly pid: number;
  /** Its configuration folder, absolute. */
  readonly config?: string;
}

const endpointFile = (home: string): string => join(home, 'endpoint.json');

/** Publishes the control API of this process; readable by this user alone. */
export function publishEndpoint(home: string, endpoint: Endpoint): void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const path = endpointFile(home);
  writeFileSync(`${path}.new`, `${JSON.stringify(endpoint, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

export function withdrawEndpoint(home: string): void {
  rmSync(endpointFile(home), { force: true });
}

export function readEndpoint(home: string): Endpoint | null {
  if (!existsSync(endpointFile(home))) return null;
  try {
    const read = JSON.parse(readFileSync(endpointFile(home), 'utf8')) as Partial<Endpoint>;
    if (typeof read.url !== 'string' || typeof read.pid !== 'number') return null;
    return {
      url: read.url,
      pid: read.pid,
      tokenFile: typeof read.tokenFile === 'string' ? read.tokenFile : null,
      ...(typeof read.certificate === 'string' ? { certificate: read.certificate } : {}),
      ...(typeof read.config === 'string' ? { config: read.config } : {}),
    };
  } catch {
    return null;
  }
}

/**
 * Takes the home for this process until it ends or releases it. Throws HOME_IN_USE, naming the process and its address, where another
 * `up` runs on it.
 */
export function claimHome(home: string): () => void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const claimed = claim(join(home, 'up.lock'));
  if ('release' in claimed) return claimed.release;
  const address = readEndpoint(home)?.url;
  throw new ResealError(
    'HOME_IN_USE',
    `Process ${claimed.heldBy} already runs on ${home}${address === undefined ? '' : `, at ${address}`}. Use that one, end it, or name another folder with --home.`,
  );
}

/** The control API that a command talks to. */
export interface Api {
  readonly url: string;
  readonly token: string | null;
  /** Default: by the authorities that Node.js knows. */
  readonly trust?: Trust;
  /** The token as it is now, where it can be read anew: providers give them out for minutes, and commands may wait for hours. */
  readonly renew?: () => Promise<string>;
}

const PUBLIC: Trust = { kind: 'public' };

async function answers({ url, certificate }: Endpoint): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(2_000);
    const response = await request(new URL('/v1/healthz', url), { method: 'GET', headers: {}, signal, trust: trustIn(certificate) });
    await response.body?.cancel();
    return true;
  } catch {
    return false;
  }
}

/** The one on this machine is known by its certificate, whatever that calls it. */
const trustIn = (certificate: string | null | undefined): Trust =>
  certificate === null || certificate === undefined ? PUBLIC : { kind: 'certificate', pem: readPem(certificate) };

function readPem(path: string): string {
  try {
    const pem = readFileSync(path, 'utf8');
    if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  } catch (error) {
    throw new ResealError('FILE_UNREADABLE', `Certificates cannot be read from ${path}: ${(error as Error).message}.`, { cause: error });
  }
  throw new ResealError('FILE_UNREADABLE', `There is no certificate in ${path}. It is a file in PEM.`);
}

function readToken(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new ResealError(
      'FILE_UNREADABLE',
      `The token of the control API cannot be read from ${path}. It is readable by the user who started \`reseal up\`.`,
      { cause: error },
    );
  }
}

const tokenIn = (path: string | null): Pick<Api, 'token' | 'renew'> =>
  path === null ? { token: null } : { token: readToken(path), renew: () => Promise.resolve(readToken(path)) };

/** Where a command looks for what runs. */
export interface Where {
  /** `--home` */
  readonly home: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** An `up` or a demo that answers. */
export interface Running {
  readonly home: string;
  readonly endpoint: Endpoint;
}

const homesOf = ({ home, env, cwd }: Where): readonly string[] => [
  ...new Set([homeFolder(home, env, cwd), demoHomeFolder(home, env, cwd)]),
];

/** What runs on the home that is named; where none is, on the default one and on the demo's. */
export async function runningOn(where: Where): Promise<readonly Running[]> {
  const found = await Promise.all(
    homesOf(where).map(async (home) => {
      const endpoint = readEndpoint(home);
      return endpoint !== null && (await answers(endpoint)) ? [{ home, endpoint }] : [];
    }),
  );
  return found.flat();
}

/** The one that runs; null where none does. @throws ResealError USAGE where two do, for nobody said which is meant */
export async function theRunningOne(where: Where): Promise<Running | null> {
  const [first, ...others] = await runningOn(where);
  if (first === undefined) return null;
  if (others.length === 0) return first;
  throw new ResealError('USAGE', 'Two of them run, your own and the demo. Name one with --home.', {
    details: [first, ...others].map(({ home, endpoint }) => `--home ${home}  (${endpoint.url})`),
  });
}

/**
 * `RESEAL_URL` (token in RESEAL_TOKEN or the file RESEAL_TOKEN_FILE, authorities in the file RESEAL_CA), else the `up` of the home; where no home is named,
 * what `api.client` of the configuration that RESEAL_CONFIG names says, else the default home's or the demo's.
 * @throws ResealError API_UNREACHABLE where none runs, USAGE where both do or a token would go over a network in plain
 */
export async function findApi(where: Where): Promise<Api> {
  const { env } = where;
  const url = given(env['RESEAL_URL']);
  if (url !== undefined) return named(url, env);
  const declared = where.home === undefined && given(env['RESEAL_HOME']) === undefined ? await declaredApi(env, where.cwd) : null;
  if (declared !== null) return declared;
  const running = await theRunningOne(where);
  if (running === null) {
    throw new ResealError(
      'API_UNREACHABLE',
      `No reseal runs on ${homesOf(where).join(' or ')}. Start one with \`reseal up\`, or name another with --home or RESEAL_URL.`,
    );
  }
  const { url: found, tokenFile, certificate } = running.endpoint;
  return { url: found, ...tokenIn(tokenFile), trust: trustIn(certificate) };
}

function named(url: string, env: NodeJS.ProcessEnv): Api {
  const [tokenFile, ca] = [given(env['RESEAL_TOKEN_FILE']), given(env['RESEAL_CA'])];
  const token = given(env['RESEAL_TOKEN']);
  const tokens = token === undefined ? tokenIn(tokenFile ?? null) : { token };
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new ResealError('USAGE', 'RESEAL_URL is no address. It looks like https://reseal.example:7443.');
  const { protocol, hostname } = new URL(url);
  if (tokens.token !== null && protocol === 'http:' && !isLoopback(hostname.replace(/^\[|\]$/g, '')))
    throw new ResealError('USAGE', `RESEAL_URL is ${url}: the token would go there in plain. Name the API by https.`);
  return { url, ...tokens, trust: ca === undefined ? PUBLIC : { kind: 'authority', pem: readPem(ca) } };
}

/** Never of `./reseal`: a command that it names would run in whatever folder somebody stands. */
async function declaredApi(env: NodeJS.ProcessEnv, cwd: string): Promise<Api | null> {
  if (given(env['RESEAL_CONFIG']) === undefined) return null;
  const { configurationFolder, loadConfiguration } = await import('../configuration/load.js');
  const folder = configurationFolder(undefined, env, cwd);
  if (!existsSync(join(folder, 'reseal.yaml'))) return null;
  const { client } = loadConfiguration(folder).reseal.api;
  if (client === undefined) return null;
  const { firstLine, readSecret } = await import('../secret/read-secret.js');
  const renew = async (): Promise<string> =>
    firstLine(await readSecret(client.token, 'The token of the control API', 'api.client.token', env)).trim();
  return {
    url: client.url,
    token: await renew(),
    renew,
    trust: client.ca === null ? PUBLIC : { kind: 'authority', pem: readPem(client.ca) },
  };
}
