import { join } from 'node:path';
import { defineSearchAttributeKey } from '@temporalio/common';
import { startBuilders, type Builders } from '../../simulator/builder.js';
import { meshFolders } from '../../simulator/mesh/files.js';
import { planCohorts } from '../../domain/rotation/cohorts.js';
import { parseDuration } from '../../domain/duration.js';
import { QUICK_POLICY } from '../../simulator/mesh/spec.js';
import { loadConfiguration } from '../../configuration/load.js';
import { commandRotation, listRotations, rotationEvents, rotationNodes, showRotation, untilClosed } from '../../api/rotations.js';
import { startService, type RunningService } from '../../api/service.js';
import { changeSchedule, SCHEDULE_ID } from '../../api/schedule.js';
import { changesText, eventText } from '../../presenters/rotation-text.js';
import { eventView, type RotationView } from '../../presenters/rotation.js';
import { ResealError } from '../../domain/errors.js';
import type { Context, ExitCode } from '../command.js';
import { demoHomeFolder, publishEndpoint, withdrawEndpoint } from '../home.js';
import { aborted, whereText } from '../run-service.js';
import { announcement, FAULTS } from './faults.js';
import { readBuilds, writeBuilds, writeDemo, type DemoRecord } from './home.js';
import { ROOT_FOLDERS } from './paths.js';
import { nextCommands, progressLine, summaryLines } from './show.js';

/** Between two looks at the rotation, in milliseconds. */
const LOOK_EVERY = 200;
/** How long the scan may take to start a rotation. */
const SCAN_PATIENCE = 60_000;
/** Set by Temporal itself on whatever a Schedule starts. */
const SCHEDULED_BY = defineSearchAttributeKey('TemporalScheduledById', 'KEYWORD');
const APPROVERS = ['ada', 'grace'] as const;

/** `2024-02-18 09:00 UTC` */
const asIfAt = (offset: number): string => `${new Date(Date.now() + offset).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** Runs the demo's rotation, or takes up an unfinished one, and shows it to its end. */
export async function runDemo(context: Context, home: string, demo: DemoRecord): Promise<ExitCode> {
  const { config, nodes: nodesFolder } = meshFolders(home);
  const signal = context.interrupted();
  const configuration = loadConfiguration(config);
  const order = planCohorts(configuration.topology.nodes, configuration.policy).flat();
  const fault = demo.fail === null || demo.fail === 'signoff-rejected' ? null : FAULTS[demo.fail];
  if (demo.fail !== null) context.output.say(`This run fails on purpose: ${announcement(demo.fail)}.`);
  if (demo.offset !== 0) context.output.say(`Expiries are compared as if it were ${asIfAt(demo.offset)}; all else goes by the clock.`);
  const service = await startService({
    folder: config,
    home,
    parts: ['api', 'worker'],
    env: context.env,
    onProgress: (line) => { context.output.progress(line); }, // prettier-ignore
    ...(fault === null ? {} : { decorate: (nodes) => fault.decorate(nodes, order, nodesFolder) }),
  });
  const counted = readBuilds(home);
  const builders = startBuilders({
    homes: order.map((name) => ({ name, path: join(nodesFolder, name) })),
    mount: `/${ROOT_FOLDERS.mount}`,
    line: demo.line,
    folders: ['xcode16', 'legacy'],
    maxWait: 400,
    maxBuildDuration: parseDuration(QUICK_POLICY.retirement.maxBuildDuration) ?? 0,
    ...(counted === null ? {} : { from: counted }),
  });
  try {
    if (service.api !== null) publishEndpoint(home, { url: service.api.url, tokenFile: service.api.tokenFile, pid: process.pid, config });
    for (const line of [...whereText(service), '']) context.output.say(line);
    return await new Demo(context, service, builders, home, demo, signal).run();
  } finally {
    writeBuilds(home, await builders.stop());
    withdrawEndpoint(home);
    await service.stop();
  }
}

class Demo {
  private decided = false;
  private seen = 0;

  constructor(
    private readonly context: Context,
    private readonly service: RunningService,
    private readonly builders: Builders,
    private readonly home: string,
    private demo: DemoRecord,
    private readonly signal: AbortSignal,
  ) {}

  async run(): Promise<ExitCode> {
    const id = this.demo.rotation ?? (await this.begin());
    this.demo = { ...this.demo, rotation: id };
    writeDemo(this.home, this.demo);
    const ended = await this.follow(id);
    if (ended === null) return 0;
    return this.finish(ended);
  }

  /** The Schedule's own scan starts the rotation; the demo only lets it run now instead of tomorrow at six. */
  private async begin(): Promise<string> {
    const { desk } = this.service;
    this.context.output.say(`the schedule ${SCHEDULE_ID} scans every line for what expires within its window`);
    await changeSchedule(desk, 'ensure', this.demo.offset);
    await changeSchedule(desk, 'trigger');
    const deadline = Date.now() + SCAN_PATIENCE;
    while (Date.now() < deadline) {
      const [first] = (await listRotations(desk, this.demo.line)).rotations;
      if (first !== undefined) return first.id;
      await this.pause();
    }
    throw new ResealError(
      'TEMPORAL_UNREACHABLE',
      'The scan has started no rotation within a minute. See `reseal schedule show` and the worker.',
    );
  }

  /** To the end of the rotation; null when Ctrl-C came first. */
  private async follow(id: string): Promise<RotationView | null> {
    const { output } = this.context;
    let shown = '';
    while (!this.signal.aborted) {
      for (const event of await rotationEvents(this.service.desk, id, this.seen)) {
        this.seen = event.seq;
        output.follow(eventView(event), (view) => eventText(view, output));
      }
      writeBuilds(this.home, this.builders.count());
      const view = await showRotation(this.service.desk, id);
      if (view.rotation.outcome !== null) {
        // The record is written behind the rotation; when its workflow is closed, it is whole.
        await untilClosed(this.service.desk, id);
        await this.lastEvents(id);
        return view;
      }
      if (output.interactive) {
        const line = progressLine(view, this.builders.count(), output, Date.now());
        if (line !== shown) output.progress(line);
        shown = line;
      }
      if (view.rotation.commands.includes('approve')) await this.signoff(view);
      await this.pause();
    }
    return null;
  }

  private async lastEvents(id: string): Promise<void> {
    const { output } = this.context;
    for (const event of await rotationEvents(this.service.desk, id, this.seen))
      output.follow(eventView(event), (view) => eventText(view, output));
  }

  /** Shows what is to be approved; a person at a terminal decides, elsewhere the demo's own people do. */
  private async signoff(view: RotationView): Promise<void> {
    if (this.decided) return;
    this.decided = true;
    const { output } = this.context;
    const { rotation } = view;
    const ticket = rotation.trigger.ticket;
    const say = (line: string): void => {
      output.say(line);
    };
    say('');
    say(output.styled(`To be approved: manifest ${rotation.to ?? ''}`, 'bold'));
    say(
      `             in place of ${rotation.from ?? ''}, on ${rotation.nodes} nodes, at most ${rotation.maxUnavailable} unavailable at once`,
    );
    changesText(view.changes ?? [], output).forEach(say);
    say('');
    if (this.demo.fail === 'signoff-rejected') {
      say('grace rejects it.');
      await commandRotation(this.service.desk, rotation.id, 'reject', { by: 'grace', ticket, reason: 'the demo was asked to' });
      return;
    }
    if (output.interactive) {
      say(`It waits for two people. In another terminal, from this folder:`);
      for (const person of APPROVERS)
        say(output.styled(`  npx reseal rotation approve ${rotation.id} --as ${person} --ticket ${ticket}${this.homeFlag()}`, 'cyan'));
      say('');
      return;
    }
    for (const person of APPROVERS) {
      say(`reseal rotation approve ${rotation.id} --as ${person} --ticket ${ticket}`);
      await commandRotation(this.service.desk, rotation.id, 'approve', { by: person, ticket, digest: rotation.to ?? '' });
    }
  }

  private async finish(view: RotationView): Promise<ExitCode> {
    const { output } = this.context;
    const expected = this.demo.fail === null ? 'completed' : 'rolled-back';
    const id = view.rotation.id;
    this.demo = { ...this.demo, outcome: view.rotation.phase };
    writeDemo(this.home, this.demo);
    const builds = this.builders.count();
    const nodes = await rotationNodes(this.service.desk, id);
    const startedBy = await this.startedBy();
    const document = { schemaVersion: 1, rotation: view.rotation, expected, nodes: nodes.nodes, builds, startedBy, home: this.home };
    output.follow(document, () =>
      summaryLines(
        {
          view,
          nodes,
          builds,
          startedBy,
          uiUrl: output.interactive ? this.service.temporal.uiUrl : null,
          home: this.home,
          real: this.demo.real,
          expected,
        },
        output,
      ),
    );
    const good = view.rotation.phase === expected && builds.failures.length === 0;
    if (output.interactive && !this.signal.aborted) {
      nextCommands(id, this.home, this.homeFlag(), view.rotation.phase === 'completed').forEach((line) => { output.say(line); }); // prettier-ignore
      output.say('Ctrl-C ends it.');
      await aborted(this.signal);
    }
    return good ? 0 : 1;
  }

  /** From the rotation's own history: the workflow that started it, and the Schedule that started that one. */
  private async startedBy(): Promise<string> {
    const { desk } = this.service;
    const chain = desk.client.workflow.list({ query: `WorkflowType = 'expiryScan'` });
    for await (const scan of chain) {
      const schedule = scan.typedSearchAttributes.get(SCHEDULED_BY);
      if (schedule !== undefined) return `Schedule ${schedule}, whose scan ${scan.workflowId} started workflow rotation/${this.demo.line}`;
    }
    return 'unknown';
  }

  /** Commands find the usual home by themselves. */
  private homeFlag(): string {
    const { env, cwd } = this.context;
    return this.home === demoHomeFolder(undefined, env, cwd) ? '' : ` --home ${this.home}`;
  }

  private async pause(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
  }
}
