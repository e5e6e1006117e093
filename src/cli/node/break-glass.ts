import { hostname, homedir, userInfo } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import { GlassDesk } from '../../../activities/break-glass/restore.js';
import { StoreIfThere } from '../../../activities/break-glass/store-within.js';
import { openDeclaredStore } from '../../../activities/manifest-store/declared.js';
import { profileVerifier } from '../../../activities/node/index.js';
import { revocationJudges } from '../../../activities/revocations/known.js';
import { PROFILE_FOLDERS } from '../../../activities/node/paths.js';
import { loadConfiguration, type Configuration } from '../../configuration/load.js';
import { isSha256, type LineName, type Sha256 } from '../../domain/brands.js';
import { ResealError, type ErrorCode } from '../../domain/errors.js';
import { deadInWords, revokedAmong, type NamedCertificate } from '../../domain/revocations.js';
import { mayDo } from '../../domain/roster.js';
import { ticketRefusal } from '../../domain/tickets.js';
import type { NodeDeclaration } from '../../domain/topology.js';
import { throughCanary } from '../../node-shell/canary/client.js';
import type { NodeShell } from '../../node-shell/contract.js';
import { LocalNode } from '../../node-shell/local.js';
import { ownerOf } from '../../node-shell/owner.js';
import { thisMac } from '../../node-shell/place.js';
import { reachNodes, reachOnly, type NodeReach } from '../../node-shell/reach.js';
import { breakGlassText, glassPlanText, type BreakGlassView } from '../../presenters/break-glass.js';
import { adoptedRosters } from '../../statement/adopted-rosters.js';
import { judgedRevocations } from '../../statement/revocations.js';
import { VerifiedProfiles } from '../../profile/index.js';
import { trustedRoots } from '../../profile/trusted-roots.js';
import { openBreakGlassLog } from '../../temporal/audit/worker-log.js';
import { version } from '../../temporal/version.js';
import type { Context, ExitCode } from '../command.js';
import { configFolder } from '../config-folder.js';
import { homeFolder } from '../home.js';
import { refuseControlCharacters } from '../said.js';

export interface BreakGlassRequest {
  readonly nodes: readonly string[];
  readonly line: string | undefined;
  readonly ticket: string;
  readonly as: string | undefined;
  readonly to: string | undefined;
  readonly buildsHome: string | undefined;
  readonly yes: boolean;
}

/** `node restore --break-glass`: no server, no Temporal, no ledger, and a store only where the node has not what it needs. */
export async function breakGlass(context: Context, asked: BreakGlassRequest): Promise<ExitCode> {
  const configuration = loadConfiguration(configFolder(context));
  const by = whoSays(configuration, asked);
  const node = theNode(configuration, asked.nodes);
  const line = theLine(node, asked.line);
  const named = manifestNamed(asked.to);
  const home = homeFolder(context.home, context.env, context.cwd);
  const reach = reachHere(context, configuration, node, asked.buildsHome);
  const store = new StoreIfThere(() => openDeclaredStore(configuration.reseal, configuration.topology.lines[line]?.store ?? '', home));
  try {
    await refuseAnother(reach.files(node), node);
    if (asked.buildsHome === undefined) await refuseEmptyHome(reach.files(node), node);
    const desk = new GlassDesk({
      ...{ topology: configuration.topology, policy: configuration.policy, node, line, store, reach: reach.files },
      verifier: profileVerifier(new VerifiedProfiles({ roots: trustedRoots(configuration) })),
      clock: Date.now,
      sleep: async (milliseconds) => setTimeout(milliseconds),
      progress: (what) => context.output.progress(what),
      version: version(),
    });
    const plan = await desk.plan(named);
    for (const text of glassPlanText(plan, placeOf(node), Date.now())) context.output.diagnostic(text);
    for (const text of await revokedWords(configuration, store, await desk.certificates(plan.manifest), context.now()))
      context.output.diagnostic(text);
    await refuseUnlessMeant(context, node, asked.yes);
    // Before anything changes: without a place for its record nothing is done, and any home will do.
    const audit = await openBreakGlassLog(home, configuration, context.env);
    try {
      const order = { ...plan, ticket: asked.ticket, by, account: `${userInfo().username}@${hostname()}` };
      const result = await audit.log.around({ name: 'restoreUnasked', attempt: 1, order }, () =>
        sayingItself(() => desk.restoreUnasked(order)),
      );
      const { head } = audit.log;
      const view: BreakGlassView = {
        schemaVersion: 1,
        ...result,
        ticket: asked.ticket,
        by,
        audit: head === null ? null : { ...head, folder: audit.folder },
      };
      context.output.show(view, breakGlassText);
      return result.outcome === 'done' ? 0 : result.outcome === 'unreachable' ? 3 : 1;
    } finally {
      await audit.close();
    }
  } finally {
    reach.close();
    await store.close();
  }
}

/** Whether what comes back can sign, as far as the line's store can say. It holds nobody up: whoever stands at the node decides. */
async function revokedWords(
  configuration: Configuration,
  store: StoreIfThere,
  certificates: readonly NamedCertificate[],
  now: number,
): Promise<readonly string[]> {
  const documents = await store.ask((one) => one.revocations());
  if (documents === null) return [`  revoked    nobody knows here whether what comes back is: ${store.why}`];
  const { installation } = configuration.topology;
  const rosters = await store.ask((one) => one.rosters(installation));
  const adopted = adoptedRosters(rosters, installation).steps;
  const { revocations } = judgedRevocations(documents, revocationJudges(configuration, adopted, now));
  return revokedAmong(revocations, certificates).map((dead) => `  REVOKED    ${deadInWords(dead)}: what comes back may not sign any more`);
}

/** @throws ResealError WRONG_TICKET, NOT_ENTITLED, USAGE */
function whoSays({ policy, roster, paths }: Configuration, { as, ticket }: BreakGlassRequest): string {
  refuseControlCharacters({ ticket, ...(as === undefined ? {} : { as }) });
  const refusal = ticketRefusal(ticket, policy);
  if (refusal !== null) throw new ResealError('WRONG_TICKET', `${refusal}. Nothing was changed.`);
  if (as === undefined) return userInfo().username;
  // Whoever gets here could write the node by hand; a name that may not is a mistake all the same.
  if (mayDo(roster, as, 'restore')) return as;
  throw new ResealError('NOT_ENTITLED', `${as} may not restore: ${paths.roster} gives that right to none of their roles. Say who does with --as PERSON, or leave it out: then the record names your account.`); // prettier-ignore
}

function theNode({ topology }: Configuration, names: readonly string[]): NodeDeclaration {
  const [name = ''] = names;
  if (names.length !== 1) throw new ResealError('USAGE', '--break-glass takes one node at a time, so that nobody hits another one.');
  const node = topology.nodes.find((one) => one.name === name);
  if (node !== undefined) return node;
  const close = topology.nodes.filter((one) => one.name.startsWith(name.slice(0, 3))).slice(0, 10);
  const like = close.length === 0 ? '' : ` It declares ${close.map((one) => one.name).join(', ')}.`;
  throw new ResealError('NOT_FOUND', `topology.yaml declares no node ${name}.${like} Nothing was changed.`);
}

/** One that follows several lines is not guessed about: another line may be well. */
function theLine({ name, lines }: NodeDeclaration, asked: string | undefined): LineName {
  const [only, ...others] = lines;
  if (asked !== undefined) return asked as LineName;
  if (only === undefined) throw new ResealError('NOT_FOUND', `Node ${name} follows no line: there is nothing to bring back.`);
  if (others.length === 0) return only;
  throw new ResealError('USAGE', `Node ${name} follows ${lines.join(', ')}. Say which one is to go back, with --line LINE.`);
}

function manifestNamed(to: string | undefined): Sha256 | null {
  if (to === undefined) return null;
  if (isSha256(to)) return to;
  throw new ResealError(
    'USAGE',
    `--to takes the whole SHA-256 of a manifest, 64 lower-case hexadecimal digits, not ${JSON.stringify(to)}.`,
  );
}

/** As a worker reaches it; the node of an agent only on its own Mac. */
function reachHere(
  context: Context,
  { reseal, topology }: Configuration,
  node: NodeDeclaration,
  buildsHome: string | undefined,
): NodeReach {
  const all = reachNodes(reseal.ssh);
  if (node.reach.kind !== 'agent') {
    if (buildsHome === undefined) return withPublisherOf(node, all, topology, (one) => all.files(one));
    throw new ResealError(
      'USAGE',
      `--builds-home is for a node with an agent, on its Mac. ${node.name} is declared with reach: ${node.reach.kind}.`,
    );
  }
  const home = buildsHome === undefined ? homedir() : resolve(context.cwd, buildsHome);
  const { canary } = reseal.agent;
  const mac = thisMac(home, context.env['PATH']);
  const own = reachOnly(node.name, canary === null ? mac : throughCanary(mac, canary));
  refuseWrongAccount(node, new LocalNode(node.name, mac).resolve(node.state));
  return withPublisherOf(node, all, topology, (one) => (one.name === node.name ? own : all).files(one));
}

/** A publisher that has an agent is on another Mac. @throws ResealError REFUSED */
function withPublisherOf(
  node: NodeDeclaration,
  { close }: NodeReach,
  { lines }: Configuration['topology'],
  files: NodeReach['files'],
): NodeReach {
  const publishes = (one: NodeDeclaration): boolean =>
    one.name !== node.name && Object.values(lines).some((line) => line.publisher === one.name);
  return {
    close,
    files: (one) => {
      if (one.reach.kind !== 'agent' || !publishes(one)) return files(one);
      throw new ResealError(
        'REFUSED',
        `The line of ${node.name} is published by ${one.name}, which only its own agent reaches: this cannot write there. Restore the volume on ${one.name} itself, or declare it with reach: ssh.`,
      );
    },
  };
}

/** What another account writes, the agent cannot replace afterwards. @throws ResealError REFUSED */
function refuseWrongAccount({ name }: NodeDeclaration, state: string): void {
  const owner = ownerOf(state);
  if (owner < 0)
    throw new ResealError(
      'REFUSED',
      `Node ${name} is reached by its own agent alone, and this is not its Mac: ${state} is not here. Log in there and say it again, or declare it with reach: ssh in topology.yaml.`,
    );
  const mine = process.getuid?.() ?? owner;
  if (owner !== mine)
    throw new ResealError('REFUSED', `${state} belongs to the account ${owner}, the agent's, and this runs as ${mine}. Say it as that account: sudo -u '#${owner}' reseal node restore ${name} --break-glass … --builds-home DIR, the home of the account that builds.`); // prettier-ignore
}

/** By the name that the node itself has been told. @throws ResealError REFUSED */
async function refuseAnother(files: NodeShell, { name, state, reach }: NodeDeclaration): Promise<void> {
  await files.reach();
  const path = `${state}/node.json`;
  const found = await files.read(path);
  const says = found.kind === 'file' ? nameIn(Buffer.from(found.bytes).toString('utf8')) : null;
  if (says === name) return;
  // One that was imaged anew knows no name; through an agent's path it may be any machine.
  if (says === null && reach.kind !== 'agent') return;
  const it = says === null ? `does not say which node it is (${path})` : `says that it is ${says} (${path})`;
  throw new ResealError('REFUSED', `What is reached as ${name} ${it}. Nothing was changed; look at the node's address in topology.yaml.`);
}

/**
 * An agent's account need not be the one that builds: what is put into its own home no build reads, and its probes would pass there all the same.
 * @throws ResealError REFUSED
 */
async function refuseEmptyHome(files: NodeShell, { name, reach, profileFolders }: NodeDeclaration): Promise<void> {
  if (reach.kind !== 'agent') return;
  for (const folder of profileFolders)
    if ((await files.list(PROFILE_FOLDERS[folder])).some((file) => file.endsWith('.mobileprovision'))) return;
  throw new ResealError(
    'REFUSED',
    `There is no profile in ${homedir()}, so no build of ${name} reads there. Nothing was changed: name the home of the account that builds with --builds-home DIR.`,
  );
}

function nameIn(text: string): string | null {
  try {
    const { node } = JSON.parse(text) as { readonly node?: unknown };
    return typeof node === 'string' ? node : null;
  } catch {
    return null;
  }
}

function placeOf({ reach }: NodeDeclaration): string {
  switch (reach.kind) {
    case 'local':
      return `on this machine, in ${reach.home}`;
    case 'ssh':
      return `over SSH, ${reach.user}@${reach.host}`;
    case 'agent':
      return 'this Mac';
  }
}

/** @throws ResealError REFUSED unless a person wrote the node's name, or said beforehand that nobody need be asked */
async function refuseUnlessMeant(context: Context, { name }: NodeDeclaration, yes: boolean): Promise<void> {
  if (yes) return;
  const said = await context.consentByName(`Write ${name} to go on:`, name);
  if (said === 'yes') return;
  const why =
    said === 'no'
      ? `Nobody wrote ${name}`
      : 'Nobody can be asked here (no terminal, or --json): say --yes where what would change is meant';
  throw new ResealError('REFUSED', `${why}. Nothing was changed.`);
}

/** The operations of a node say of their failures what Temporal is to know; a person is told the same. */
async function sayingItself<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ApplicationFailure)) throw error;
    throw new ResealError((error.type ?? 'INTERNAL') as ErrorCode, error.message, {
      cause: error,
      details: (error.details ?? []).map(String),
    });
  }
}
