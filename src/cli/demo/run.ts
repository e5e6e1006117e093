import { join } from 'node:path';
import { defineSearchAttributeKey } from '@temporalio/common';
import { rightsOf } from '../../../activities/rotation/surroundings.js';
import { startBuilders, type Builders, type BuildersEnd } from '../../simulator/builder.js';
import { TOPOLOGY_EXAMPLES } from '../../simulator/mesh/examples.js';
import { announcement, suffering, type FaultSite } from '../../simulator/mesh/faults.js';
import { meshFolders } from '../../simulator/mesh/files.js';
import { planCohorts } from '../../domain/rotation/cohorts.js';
import type { RosterCommand } from '../../domain/roster.js';
import type { LineName, NodeName } from '../../domain/brands.js';
import { loadConfiguration, type Configuration } from '../../configuration/load.js';
import { startService, type RunningService } from '../../api/service.js';
import { changeSchedule, SCHEDULE_ID } from '../../api/schedule.js';
import { ResealError } from '../../domain/errors.js';
import type { Context, ExitCode } from '../command.js';
import { demoHomeFolder, publishEndpoint, withdrawEndpoint } from '../home.js';
import { aborted, whereText } from '../run-service.js';
import { readBuilds, writeBuilds, writeDemo, type DemoLine, type DemoRecord } from './home.js';
import { LineOnStage, rejecterOf, type Stage } from './line.js';
import { ROOT_FOLDERS } from './paths.js';
import { placesText, readPlaces, type Place } from './places.js';
import { addNextAliases, hasSidecar, readSignedBy, startDemoSidecar, stopDemoSidecar } from './sidecar.js';
import { nextCommands, progressLine, summaryLines } from './show.js';

/** Between two looks at the rotation, in milliseconds. */
const LOOK_EVERY = 200;
/** How long the scan may take to start a rotation. */
const SCAN_PATIENCE = 60_000;
/** Set by Temporal itself on whatever a Schedule starts. */
const SCHEDULED_BY = defineSearchAttributeKey('TemporalScheduledById', 'KEYWORD');
/** Two people approve, as the policy of every demo asks. */
const APPROVALS = 2;

/** `2024-02-18 09:00 UTC` */
const asIfAt = (offset: number): string => `${new Date(Date.now() + offset).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** Runs the demo's rotation, or takes up an unfinished one, and shows it to its end. */
export async function runDemo(context: Context, home: string, demo: DemoRecord, program: string): Promise<ExitCode> {
  const { config, nodes: nodesFolder } = meshFolders(home);
  const signal = context.interrupted();
  const configuration = loadConfiguration(config);
  const approvers = personsWho(configuration, 'approve').slice(0, APPROVALS);
  const [failing, ...spared] = demo.lines;
  const site = siteOf(configuration, failing, nodesFolder);
  if (demo.fail !== null) {
    const where = spared.length === 0 ? '' : `on ${failing?.line ?? ''}, `;
    context.output.say(`This run fails on purpose: ${where}${announcement(demo.fail, site, rejecterOf(approvers))}.`);
  }
  if (demo.offset !== 0) context.output.say(`Expiries are compared as if it were ${asIfAt(demo.offset)}; all else goes by the clock.`);
  if (hasSidecar(home)) await startDemoSidecar(home, program, context.env);
  const service = await startService({
    folder: config,
    home,
    parts: ['api', 'worker'],
    env: context.env,
    onProgress: (line) => { context.output.progress(line); }, // prettier-ignore
    decorate: (nodes) => suffering(nodes, demo.fail, site),
  });
  const builders = startAllBuilders(configuration, demo, nodesFolder, readBuilds(home));
  try {
    if (service.api !== null) publishEndpoint(home, { ...service.api, pid: process.pid, config });
    for (const line of [...whereText(service), '']) context.output.say(line);
    return await new Demo({ context, service, builders, home, configuration, approvers, signal }, demo).run();
  } finally {
    writeBuilds(home, await builders.stop());
    withdrawEndpoint(home);
    await service.stop();
    await stopDemoSidecar(home);
  }
}

/** In the roster's order. */
function personsWho(configuration: Configuration, command: RosterCommand): readonly string[] {
  return Object.entries(rightsOf(configuration)).flatMap(([person, commands]) => (commands.includes(command) ? [person] : []));
}

/** As many nodes as may be unavailable in a demo's mesh. */
const ALLOWED = 2;

/** The line that is to fail, where its nodes are and in which order they switch. */
function siteOf({ topology, policy }: Configuration, failing: DemoLine | undefined, nodesFolder: string): FaultSite {
  const own = topology.nodes.filter((node) => failing?.nodes.includes(node.name) === true);
  return {
    order: planCohorts(own, policy).flat(),
    victims: Math.min(ALLOWED + 1, own.length),
    allowed: ALLOWED,
    placesOf: (node) => {
      const home = join(nodesFolder, node);
      return { mount: join(home, ROOT_FOLDERS.mount), state: join(home, ROOT_FOLDERS.state), profiles: join(home, ROOT_FOLDERS.xcode16) };
    },
  };
}

/** Builds on every node that has profiles, line by line; all count together. */
function startAllBuilders(
  { policy, topology }: Configuration,
  demo: DemoRecord,
  nodesFolder: string,
  counted: BuildersEnd | null,
): Builders {
  // Nothing is built on a publisher.
  const builds = (line: LineName, node: NodeName): boolean => topology.lines[line]?.publisher !== node;
  const all = demo.lines.map(({ line, nodes }, index) =>
    startBuilders({
      homes: nodes
        .filter((name) => builds(line, name))
        .map((name) => ({
          name,
          path: join(nodesFolder, name),
          // On a published volume every node has a pointer of its own, which jobs know by RESEAL_PROFILES.
          ...(topology.lines[line]?.distribution === 'mount'
            ? { profiles: `/${ROOT_FOLDERS.mount}/${line}/nodes/${name}/profiles.json` }
            : {}),
        })),
      mount: `/${ROOT_FOLDERS.mount}`,
      line,
      folders: ['xcode16', 'legacy'],
      maxWait: 400,
      maxBuildDuration: policy.retirement.maxBuildDuration,
      ...(counted === null || index > 0 ? {} : { from: counted }),
    }),
  );
  return {
    count: () => together(all.map((one) => one.count())),
    stop: async () => together(await Promise.all(all.map((one) => one.stop()))),
  };
}

const together = (all: readonly BuildersEnd[]): BuildersEnd => ({
  builds: sum(all.map((one) => one.builds)),
  checks: sum(all.map((one) => one.checks)),
  late: sum(all.map((one) => one.late)),
  failures: all.flatMap((one) => one.failures),
});
const sum = (all: readonly number[]): number => all.reduce((total, one) => total + one, 0);

interface Surroundings {
  readonly context: Context;
  readonly service: RunningService;
  readonly builders: Builders;
  readonly home: string;
  readonly configuration: Configuration;
  readonly approvers: readonly string[];
  readonly signal: AbortSignal;
}

class Demo {
  private readonly lines: readonly LineOnStage[];

  constructor(
    private readonly around: Surroundings,
    private demo: DemoRecord,
  ) {
    const { context, service, approvers } = around;
    const nameWidth = demo.lines.length === 1 ? 0 : Math.max(...demo.lines.map(({ line }) => line.length));
    const stage: Stage = { context, service, approvers, homeFlag: this.homeFlag(), nameWidth };
    this.lines = demo.lines.map(
      ({ line, rotation }, index) => new LineOnStage(stage, line, rotation, demo.fail === 'signoff-rejected' && index === 0),
    );
  }

  async run(): Promise<ExitCode> {
    const { output } = this.around.context;
    const example = TOPOLOGY_EXAMPLES.find(({ name }) => name === this.demo.example);
    if (example !== undefined) {
      output.say(output.styled(example.name, 'bold'));
      [...example.says, ...placesText(await this.places(), output)].forEach((line) => { output.say(line); }); // prettier-ignore
      output.say('');
    }
    if (hasSidecar(this.around.home)) this.addAliases();
    if (this.demo.lines.some((line) => line.rotation === null)) await this.begin();
    return (await this.follow()) ? this.finish() : 0;
  }

  /** People do so before a rotation brings a new certificate; again, nothing is added. */
  private addAliases(): void {
    const { context, home } = this.around;
    const { added, before } = addNextAliases(home);
    if (added.length > 0)
      context.output.say(`added to the sidecar: ${added.join(', ')}, beside ${before.join(', ')}, which a rollback would need`);
  }

  /** The Schedule's own scan starts the rotations; the demo only lets it run now instead of tomorrow at six. */
  private async begin(): Promise<void> {
    const { context, service } = this.around;
    context.output.say(`the schedule ${SCHEDULE_ID} scans every line for what expires within its window`);
    await changeSchedule(service.desk, 'ensure', { offset: this.demo.offset });
    await changeSchedule(service.desk, 'trigger');
    const deadline = Date.now() + SCAN_PATIENCE;
    while (!(await this.allBegun())) {
      if (Date.now() > deadline) {
        const left = this.lines.flatMap(({ id, line }) => (id === null ? [line] : []));
        throw new ResealError(
          'TEMPORAL_UNREACHABLE',
          `The scan has started no rotation of ${left.join(' and ')} within a minute. See \`reseal schedule show\` and the worker.`,
        );
      }
      await this.pause();
    }
  }

  private async allBegun(): Promise<boolean> {
    const begun: boolean[] = [];
    for (const line of this.lines) begun.push(await line.begun());
    this.write();
    return begun.every(Boolean);
  }

  /** To the end of all rotations; false when Ctrl-C came first. */
  private async follow(): Promise<boolean> {
    const { context, builders, home, signal } = this.around;
    let shown = '';
    while (!signal.aborted) {
      for (const line of this.lines) await line.look();
      writeBuilds(home, builders.count());
      if (this.lines.every((line) => line.ended)) return true;
      if (context.output.interactive) {
        const views = this.lines.flatMap(({ view, ended }) => (view === null || ended ? [] : [view]));
        const line = progressLine(views, builders.count(), context.output, Date.now());
        if (line !== shown) context.output.progress(line);
        shown = line;
      }
      await this.pause();
    }
    return false;
  }

  private async finish(): Promise<ExitCode> {
    const { context, service, builders, home, configuration, signal } = this.around;
    const { output } = context;
    this.write();
    const builds = builders.count();
    const places = this.demo.example === null ? null : await this.places();
    const signedBy = hasSidecar(home) ? readSignedBy(home) : null;
    let good = builds.failures.length === 0;
    for (const [index, line] of this.lines.entries()) {
      const { view } = line;
      if (view === null) throw new ResealError('INTERNAL', `The rotation of ${line.line} ended unseen.`);
      const expected = this.demo.fail !== null && index === 0 ? 'rolled-back' : 'completed';
      const last = index === this.lines.length - 1;
      const nodes = await line.nodes();
      const startedBy = await this.startedBy(line.line);
      good = good && view.rotation.phase === expected;
      const declared = configuration.reseal.stores[configuration.topology.lines[line.line]?.store ?? ''];
      const store = declared?.kind === 'git' ? declared.url : '';
      const document = {
        schemaVersion: 1,
        rotation: view.rotation,
        expected,
        nodes: nodes.nodes,
        builds,
        places,
        startedBy,
        home,
        ...(signedBy === null ? {} : { signedBy }),
      };
      output.follow(document, () =>
        summaryLines(
          {
            view,
            nodes,
            startedBy,
            store,
            expected,
            // Of the whole demo, so told once.
            whole: last
              ? { builds, places, signedBy, uiUrl: output.interactive ? service.temporal.uiUrl : null, home, real: this.demo.real }
              : null,
          },
          output,
        ),
      );
    }
    if (output.interactive && !signal.aborted) {
      this.nextCommands().forEach((line) => { output.say(line); }); // prettier-ignore
      output.say('Ctrl-C ends it.');
      await aborted(signal);
    }
    return good ? 0 : 1;
  }

  private nextCommands(): readonly string[] {
    const [person = ''] = personsWho(this.around.configuration, 'rollback');
    const views = this.lines.flatMap(({ view }) => (view === null ? [] : [view.rotation]));
    const done = views.find((rotation) => rotation.phase === 'completed');
    const id = (done ?? views[0])?.id ?? '';
    return nextCommands(id, this.around.home, this.homeFlag(), done === undefined ? null : person);
  }

  /** What `demo.json` says of the rotations: which they are, and how they ended. */
  private write(): void {
    const lines = this.demo.lines.map((line, index): DemoLine => {
      const now = this.lines[index];
      return { ...line, rotation: now?.id ?? null, outcome: now?.ended === true ? (now.view?.rotation.phase ?? null) : null };
    });
    this.demo = { ...this.demo, lines };
    writeDemo(this.around.home, this.demo);
  }

  private places(): Promise<readonly Place[]> {
    return readPlaces(this.around.configuration.topology.nodes, meshFolders(this.around.home).nodes);
  }

  /** From the rotation's own history: the workflow that started it, and the Schedule that started that one. */
  private async startedBy(line: string): Promise<string> {
    const { desk } = this.around.service;
    const chain = desk.client.workflow.list({ query: `WorkflowType = 'expiryScan'` });
    for await (const scan of chain) {
      const schedule = scan.typedSearchAttributes.get(SCHEDULED_BY);
      if (schedule !== undefined) return `Schedule ${schedule}, whose scan ${scan.workflowId} started workflow rotation/${line}`;
    }
    return 'unknown';
  }

  /** Commands find the usual home by themselves. */
  private homeFlag(): string {
    const { context, home } = this.around;
    return home === demoHomeFolder(undefined, context.env, context.cwd) ? '' : ` --home ${home}`;
  }

  private async pause(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
  }
}
