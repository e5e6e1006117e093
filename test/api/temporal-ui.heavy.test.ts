import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Client, Connection } from '@temporalio/client';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createCodecServer, listenForPayloads } from '../../src/api/codec-server/server.js';
import type { RunningHttp } from '../../src/api/listen.js';
import { dataConverter } from '../../src/temporal/data-converter.js';
import { encryptingCodec } from '../../src/temporal/codec/encryption.js';
import { newRootKey } from '../../src/temporal/codec/key-file.js';
import { controlRing } from '../../src/temporal/codec/key-ring.js';
import { freePorts } from '../../src/temporal/free-port.js';
import { findTemporalCli } from '../../src/temporal/temporal-cli.js';
import { until } from '../setup/until.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const BROWSER = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));
const NAMESPACE = 'reseal-ui';
const WORKFLOW = 'rotation/ios-main';
/** What only those read in the UI who may. */
const SAID = 'a ticket that only those read who may: CHG-4711';
const TOKEN = 'the-token-of-this-test';

describe.skipIf(BROWSER === undefined)(`Temporal's UI in a browser${BROWSER === undefined ? ' (no Chromium is installed)' : ''}`, () => {
  let temporal: ChildProcess;
  let codec: RunningHttp;
  let browser: Browser;
  let ui = '';
  const denied: string[] = [];

  beforeAll(async () => {
    const [port, uiPort, http, metrics] = await freePorts(4);
    ui = `http://127.0.0.1:${uiPort}`;
    const ring = controlRing([newRootKey('active', Date.now())], 'test');
    const options = { ring, token: TOKEN, origins: [ui], onDenied: (one: string) => void denied.push(one), clock: Date.now };
    codec = await listenForPayloads(createCodecServer(options), '127.0.0.1:0');
    const ports = ['--port', port, '--ui-port', uiPort, '--http-port', http, '--metrics-port', metrics].map(String);
    const { path } = await findTemporalCli();
    const own = ['--ip', '127.0.0.1', '--namespace', NAMESPACE, '--log-level', 'error'];
    temporal = spawn(path, ['server', 'start-dev', ...ports, ...own], { stdio: 'ignore' });
    const connection = Connection.lazy({ address: `127.0.0.1:${port}` });
    await until(() => connection.workflowService.describeNamespace({ namespace: NAMESPACE }), { what: 'Temporal', timeout: 60_000 });
    await until(async () => (await fetch(ui)).ok, { what: 'its UI', timeout: 60_000 });
    const converter = dataConverter(encryptingCodec({ ring, servedBy: () => 'control' }));
    const client = new Client({ connection, namespace: NAMESPACE, dataConverter: converter });
    // Nobody takes it up: what it was begun with is in its history.
    await client.workflow.start('rotation', { workflowId: WORKFLOW, taskQueue: 'nobody', args: [{ ticket: SAID }] });
    await connection.close();
    browser = await chromium.launch({ executablePath: BROWSER ?? '', args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser.close();
    await codec.stop();
    temporal.kill('SIGKILL');
    await once(temporal, 'exit');
  });

  /** The history of the workflow, with payloads sent to the codec server under the cookies that this browser has there, as its settings have it. */
  async function history(context: BrowserContext): Promise<Page> {
    const page = await context.newPage();
    const settings = { endpoint: JSON.stringify(codec.url), includeCredentials: 'true', overrideRemoteCodecConfiguration: 'true' };
    const content = Object.entries(settings).map(([name, value]) => `localStorage.setItem('${name}', '${value}');`);
    await page.addInitScript({ content: content.join('\n') });
    await page.goto(`${ui}/namespaces/${NAMESPACE}/workflows/${encodeURIComponent(WORKFLOW)}`);
    await page.getByText('Input').first().waitFor({ state: 'attached' });
    return page;
  }

  it('shows what is encrypted to whoever has shown the token in it, and to nobody else (T3)', async () => {
    const stranger = await browser.newContext();
    const shut = await history(stranger);
    await until(() => denied.length > 0, { what: 'a request without the token' });
    expect(await shut.content()).not.toContain(SAID);
    expect(denied[0]).toBe('POST /decode was refused: The codec server needs its token, as Authorization: Bearer TOKEN.');
    await stranger.close();

    const context = await browser.newContext();
    const door = await context.newPage();
    await door.goto(codec.url);
    await door.locator('input[name=token]').fill(TOKEN);
    await door.locator('input[name=token]').press('Enter');
    await door.getByText('This browser reads payloads').first().waitFor();
    const open = await history(context);
    await open.getByText(SAID).first().waitFor();
    await context.close();
  });
});
