import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostAndPort } from '../api/listen.js';
import { isLoopback } from '../api/loopback.js';
import { newToken } from '../api/token.js';
import { loadConfiguration, type Configuration } from '../configuration/load.js';
import { ResealError } from '../domain/errors.js';
import { configFolder } from './config-folder.js';
import { defineCommand } from './command.js';
import { homeFolder } from './home.js';
import { aborted } from './run-service.js';

export const command = defineCommand({
  description: "Decode payloads for Temporal's UI and CLI, for whoever has its token",
  arguments: {},
  options: {},
  async handler(context) {
    const signal = context.interrupted();
    const configuration = loadConfiguration(configFolder(context));
    const home = homeFolder(context.home, context.env, context.cwd);
    const { controlKeys, openControlRing } = await import('../temporal/codec/declared.js');
    const { createCodecServer, listenForPayloads } = await import('../api/codec-server/server.js');
    const keys = controlKeys(configuration, home);
    if (keys === null)
      throw new ResealError(
        'CONFIG_INVALID',
        "Payloads of this installation are plain: Temporal's UI shows them as they are. To encrypt them, declare codec in reseal.yaml.",
      );
    const ring = await openControlRing(keys, context.env);
    const { listen, origins } = await serverOf(configuration, home);
    refuseOpenListening(listen);
    mkdirSync(home, { recursive: true, mode: 0o700 });
    const tokenFile = join(home, 'codec-token');
    const server = createCodecServer({
      ring,
      token: await tokenIn(tokenFile),
      origins,
      onDenied: (sentence) => context.output.diagnostic(sentence),
      clock: () => context.now(),
    });
    const running = await listenForPayloads(server, listen);
    for (const line of [
      `codec server  ${running.url}`,
      `token         ${tokenFile}`,
      `pages of      ${origins.join(', ') || 'no origin'}`,
      'Ctrl-C ends it.',
    ])
      context.output.diagnostic(line);
    await aborted(signal);
    await running.stop();
  },
});

/** The UI of the embedded server is always meant. */
async function serverOf(
  { reseal }: Configuration,
  home: string,
): Promise<{ readonly listen: string; readonly origins: readonly string[] }> {
  const { listen, origins } =
    reseal.codec === undefined || reseal.codec === 'none' ? { listen: '127.0.0.1:0', origins: [] } : reseal.codec.server;
  return { listen, origins: [...origins, ...(reseal.temporal.address === 'embedded' ? await embeddedUi(home) : [])] };
}

async function embeddedUi(home: string): Promise<readonly string[]> {
  const { recordedServer } = await import('../temporal/embedded-server.js');
  const uiPort = recordedServer(home)?.uiPort ?? null;
  return uiPort === null ? [] : [`http://127.0.0.1:${uiPort}`, `http://localhost:${uiPort}`];
}

/** It speaks plain HTTP, and what it says is what is encrypted elsewhere. */
function refuseOpenListening(listen: string): void {
  if (isLoopback(hostAndPort(listen).host)) return;
  throw new ResealError(
    'CONFIG_INVALID',
    `codec.server.listen is ${listen}: the codec server listens on loopback alone, since it has no TLS. Put a proxy with TLS before it.`,
  );
}

/** Made once and kept, so that who may read need not be told again. */
async function tokenIn(file: string): Promise<string> {
  if (!existsSync(file)) writeFileSync(file, `${newToken()}\n`, { mode: 0o600, flag: 'wx' });
  const { readSecret } = await import('../secret/read-secret.js');
  return (await readSecret({ file }, 'The token of the codec server', 'the home', {})).trim();
}
