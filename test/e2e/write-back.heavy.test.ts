import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { parseManifest } from '../../src/manifest/parse.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import type { WriteBackEnd } from '../../workflows/successors-write-back.js';
import { PASSPHRASE, TestMatchRepository } from '../profile-source/match-repository.js';
import { receiveNotices, type NoticeReceiver } from '../setup/notices.js';
import { until } from '../setup/until.js';
import { RotatingMesh } from './rotating-mesh.js';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 240_000 });

let receiver: NoticeReceiver;
let match: TestMatchRepository;
let mesh: RotatingMesh;

/** A mesh whose successors lie in a drop folder, in a team that uses fastlane match and lets nobody push. */
beforeAll(async () => {
  receiver = await receiveNotices();
  match = new TestMatchRepository();
  mesh = await RotatingMesh.start({
    nodes: simulatedNodes(3),
    changed: ({ folders: { config } }) => {
      const edit = (name: string, change: (document: Record<string, never>) => object): void =>
        writeFileSync(join(config, name), stringify(change(parse(readFileSync(join(config, name), 'utf8')) as Record<string, never>)));
      writeFileSync(join(config, 'passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 });
      writeFileSync(join(config, 'secret'), 'of the receiver');
      edit('reseal.yaml', (document) => ({
        ...document,
        sources: {
          ...(document['sources'] as unknown as object),
          match: { kind: 'match', url: match.bare, passphrase: { file: join(config, 'passphrase') }, writeBack: true },
        },
        notify: { webhooks: [{ url: receiver.url, secretFile: join(config, 'secret'), events: ['successor'] }] },
      }));
      edit('topology.yaml', (document) => {
        const line = (document['lines'] as never)['ios-main'] as { sources: readonly string[] };
        return { ...document, lines: { 'ios-main': { ...line, sources: [...line.sources, 'match'] } } };
      });
      return Promise.resolve();
    },
  });
  for (const entry of (await manifest(mesh.mesh.manifest)).profiles) {
    const bytes = await mesh.around.store('main').profile(entry.profile.sha256);
    await match.pushProfile(`profiles/appstore/AppStore_${entry.bundleId}.mobileprovision`, bytes);
  }
  writeFileSync(hook(), '#!/bin/sh\necho the branch is protected >&2\nexit 1\n');
  chmodSync(hook(), 0o755);
});
afterAll(async () => {
  await mesh.stop();
  match.dispose();
  await receiver.stop();
});

const hook = (): string => join(match.bare, 'hooks', 'pre-receive');
const manifest = async (digest: string) => parseManifest(await mesh.around.store('main').manifest(digest as never), 'manifest');
const uuidsIn = async (digest: string) => (await manifest(digest)).profiles.map(({ profile }) => profile.uuid as string).sort();
const uuidsInMatch = async () => (await mesh.around.source('match').list()).candidates.map(({ profile }) => profile.uuid as string).sort();
const remarks = async () =>
  (await mesh.ledger.eventsAfter('ios-main-1', 0)).filter(({ kind }) => kind === 'remark').map(({ text }) => text);
const told = (): readonly string[] => receiver.heard.map(({ text }) => text);
const commitsOfReseal = (): number =>
  match
    .bareGit('log', '--format=%s', 'master')
    .split('\n')
    .filter((subject) => subject.startsWith('reseal: ')).length;

it('a match repository that refuses the successors of a completed rotation gets them once it takes them, also by another worker, and people are told of both (S16)', async () => {
  await mesh.rotate();
  await mesh.approve('ada', 'grace');
  expect(await mesh.result()).toEqual({ id: 'ios-main-1', outcome: 'completed', reasons: [] });
  const head = await mesh.around.store('main').head(mesh.mesh.line);
  const [next, old] = [await uuidsIn(head!.digest), await uuidsIn(mesh.mesh.manifest)];
  expect(next).not.toEqual(old);
  expect(await uuidsInMatch()).toEqual(old);
  const failed =
    /^the successors of ios-main-1 are not in match yet\. The match repository .* of source match refused the successors of ios-main-1: .*declined.* tried again at 20.*fastlane match import$/;
  await until(() => told().length === 1, { what: 'the first notice' });
  expect(told()).toEqual([expect.stringMatching(failed)]);
  expect(await remarks()).toEqual([expect.stringMatching(failed)]);

  // It is tried, and fails, once more; then the worker goes.
  const child = mesh.temporal.client.workflow.getHandle(`${mesh.workflowId}/write-back/ios-main-1`);
  await until(
    async () => {
      const { events } = await child.fetchHistory();
      return (events ?? []).filter((event) => event.activityTaskCompletedEventAttributes).length > 0;
    },
    { what: 'a second attempt' },
  );
  await mesh.stopWorker();
  rmSync(hook());
  expect(await uuidsInMatch()).toEqual(old);
  await mesh.startWorker();

  const end = (await child.result()) as WriteBackEnd;
  expect(end.tries).toBeGreaterThan(2);
  expect(await uuidsInMatch()).toEqual(next);
  expect(commitsOfReseal()).toBe(1);
  const succeeded = `the successors of ios-main-1 are in match now, after ${end.tries} attempts`;
  expect(end.text).toBe(succeeded);
  expect(told()).toEqual([expect.stringMatching(failed), succeeded]);
  expect(await remarks()).toEqual([expect.stringMatching(failed), succeeded]);
  expect(JSON.stringify([receiver.heard, await child.fetchHistory()])).not.toContain(PASSPHRASE);
});
