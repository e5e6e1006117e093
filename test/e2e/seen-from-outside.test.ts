import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { signature } from '../../activities/notify/webhook.js';
import type { Notice } from '../../activities/notify/contract.js';
import { until } from '../setup/until.js';
import { startScenario, type Scenario } from './scenario.js';

const SECRET = 'a shared secret of the receiver';
const EVENTS: readonly Notice['event'][] = ['question', 'outcome', 'gate', 'restored', 'page'];

let scenario: Scenario;
let receiver: Server;
const heard: { readonly id: string; readonly signature: string; readonly body: string; readonly notice: Notice }[] = [];
beforeAll(async () => {
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const header = (name: string): string => String(request.headers[name]);
      heard.push({ id: header('reseal-delivery'), signature: header('reseal-signature'), body, notice: JSON.parse(body) as Notice });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  scenario = await startScenario({ nodes: 3 });
  await listenTo(scenario);
});
afterAll(async () => {
  await scenario.end();
  await new Promise((resolve) => receiver.close(resolve));
});

/** Names the receiver in reseal.yaml, as an administrator would. */
async function listenTo({ mesh }: Scenario): Promise<void> {
  const { config } = mesh.mesh.folders;
  const file = join(config, 'reseal.yaml');
  writeFileSync(join(config, 'secret'), SECRET);
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  const notify = { webhooks: [{ url, secretFile: join(config, 'secret'), events: EVENTS }] };
  writeFileSync(file, stringify({ ...(parse(readFileSync(file, 'utf8')) as object), notify }));
  await mesh.restartWorker();
}

describe('a rotation that asks, and is rolled back', () => {
  it('tells a webhook of gate, question, restoration and outcome, each once and signed (P4)', async () => {
    const { mesh, interference } = scenario;
    await mesh.rotate();
    const held = interference.hold('retire');
    await mesh.approve('ada', 'grace');
    await held.node();
    await mesh.tell('cancel', 'rita');
    held.release();
    await mesh.untilQuestion('retire-failed');
    const paged = (): boolean => heard.some(({ notice }) => notice.event === 'page' && notice.text.startsWith('retire-failed: '));
    await until(paged, { what: 'a page' });
    await mesh.tell('rollback', 'ada');
    expect((await mesh.result()).outcome).toBe('rolled-back');

    const news = heard
      .filter(({ notice }) => notice.history !== null)
      .sort((a, b) => (a.notice.history?.seq ?? 0) - (b.notice.history?.seq ?? 0));
    expect(news.map(({ notice }) => [notice.event, notice.history?.kind])).toEqual([
      ['gate', 'gate'],
      ['question', 'question'],
      ['restored', 'restored'],
      ['outcome', 'outcome'],
    ]);
    expect(news[1]?.notice).toMatchObject({ text: 'asks retire-failed: retry or rollback or close', audience: ['rita'] });
    expect(news[3]?.notice).toMatchObject({ rotation: { id: 'ios-main-1', phase: 'rolled-back' } });
    expect(new Set(heard.map(({ id }) => id)).size).toBe(heard.length);
    for (const one of heard) {
      const at = Number(/^t=(\d+),/.exec(one.signature)?.[1]);
      expect(one.signature).toBe(signature(SECRET, one.body, at * 1_000));
    }
  });

  it('is readable in Temporal’s own UI: search attributes, details, and summaries of its steps and their activities (P3)', async () => {
    const { mesh } = scenario;
    const { client } = mesh.temporal;
    const { typedSearchAttributes } = await mesh.handle.describe();
    const shown = Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
    expect(shown).toMatchObject({
      ResealLine: 'ios-main',
      ResealRotation: 'ios-main-1',
      ResealPhase: 'rolled-back',
      ResealOutcome: 'rolled-back',
      ResealQuestion: 'none',
      ResealTicket: 'CHG-7',
      ResealTrigger: 'person',
      ResealHorizon: new Date((await mesh.status()).horizon ?? 0),
    });
    const { currentDetails } = await mesh.handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
    expect(currentDetails).toMatch(/^\*\*ios-main-1\*\* is \*\*rolled-back\*\* \(person, CHG-7\)/);
    expect(currentDetails).toContain('- courier com.acme.courier (app-store): ');
    expect(currentDetails).toContain('> rollback asked for by ada');

    const step = client.workflow.getHandle(`${mesh.workflowId}/ios-main-1/1000/stage/all/0`);
    expect(await (await step.describe()).staticSummary()).toBe('stage 3 nodes of all');
    const { events } = await step.fetchHistory();
    const summaries = (events ?? [])
      .filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'stageNode')
      .map((event) => JSON.parse(Buffer.from(event.userMetadata?.summary?.data ?? []).toString()) as string);
    expect(summaries.sort()).toEqual(mesh.mesh.nodes.map(({ name }) => name).sort());
  });
});
