import { join } from 'node:path';
import { build, type PlistValue } from 'plist';
import { SYSTEM_PATH } from '../../node-shell/place.js';

export const AGENT_LABEL = 'reseal.agent';
export const CANARY_LABEL = 'reseal.canary';
/** Seconds between SIGTERM and SIGKILL: longer than an agent takes for what is in flight. */
const EXIT_TIME = 130;
/**
 * For Node.js: an agent waits nearly all the time, and its heap is small. One background thread of V8 instead of four, collections on the main thread
 * and a small young generation leave glibc and V8 some 10 MB less to hold on to (docs/benchmarks.md, An idle agent).
 */
export const AGENT_RUNTIME = ['--v8-pool-size=1', '--single-threaded-gc', '--max-semi-space-size=1'] as const;
/** Seconds between two starts: a second agent is refused at each of them. */
const THROTTLE = 30;

export interface LaunchdRequest {
  readonly node: string;
  /** Configuration folder, absolute. */
  readonly config: string;
  readonly program: {
    /** Node.js, its absolute path. */
    readonly node: string;
    /** The reseal command's file. */
    readonly reseal: string;
  };
  /** Account of the agent. */
  readonly account: string;
  readonly builds: { readonly account: string; readonly home: string };
  /** `agent.canary` of reseal.yaml. */
  readonly socket: string | null;
  /** A profile file of @temporalio/envconfig: where TLS and API key are. Its path only. */
  readonly temporalConfig: string | null;
  readonly logs: string;
  /** The node's state folder on this Mac. */
  readonly state: string;
}

export interface LaunchdFile {
  readonly path: string;
  readonly owner: string;
  readonly text: string;
}

/** What launchd is given, and the commands that give it: each a program with its arguments. */
export interface LaunchdPlan {
  readonly files: readonly LaunchdFile[];
  /** Makes the folders that neither agent nor build could make for the other. */
  readonly prepare: readonly (readonly string[])[];
  readonly load: readonly (readonly string[])[];
  readonly unload: readonly (readonly string[])[];
}

/** @param buildsUid user id of the account that builds, in whose session the canary process runs; a placeholder where it is not known */
export function launchdPlan(request: LaunchdRequest, buildsUid: string): LaunchdPlan {
  const agent = agentFile(request);
  const canary = request.socket === null ? null : canaryFile(request, request.socket);
  const session = `gui/${buildsUid}`;
  return {
    files: canary === null ? [agent] : [agent, canary],
    // The agent reads pins, and builds write them; the rest of the state is not theirs.
    prepare: [
      ['install', '-d', '-o', request.account, '-m', '0755', request.state],
      ['install', '-d', '-o', request.builds.account, '-m', '0755', `${request.state}/pins`],
    ],
    load: [
      ...(canary === null ? [] : [['launchctl', 'bootstrap', session, canary.path]]),
      ['launchctl', 'bootstrap', 'system', agent.path],
    ],
    unload: [
      ['launchctl', 'bootout', `system/${AGENT_LABEL}`],
      ...(canary === null ? [] : [['launchctl', 'bootout', `${session}/${CANARY_LABEL}`]]),
    ],
  };
}

function agentFile({ node, config, program, account, builds, temporalConfig, logs }: LaunchdRequest): LaunchdFile {
  const run = ['agent', 'run', '--node', node, '--builds-home', builds.home, '--config', config];
  return {
    path: `/Library/LaunchDaemons/${AGENT_LABEL}.plist`,
    owner: 'root',
    text: build({
      ...common(AGENT_LABEL, [program.node, ...AGENT_RUNTIME, program.reseal, ...run], join(logs, 'agent.log')),
      UserName: account,
      // Builds read the mount, and the state is not for them.
      Umask: 0o022,
      EnvironmentVariables: { PATH: SYSTEM_PATH, ...(temporalConfig === null ? {} : { TEMPORAL_CONFIG_FILE: temporalConfig }) },
    }),
  };
}

function canaryFile({ program, builds }: LaunchdRequest, socket: string): LaunchdFile {
  const run = ['canary', '--socket', socket];
  return {
    path: join(builds.home, 'Library/LaunchAgents', `${CANARY_LABEL}.plist`),
    owner: builds.account,
    text: build({
      ...common(CANARY_LABEL, [program.node, program.reseal, ...run], join(builds.home, 'Library/Logs', 'reseal-canary.log')),
      EnvironmentVariables: { PATH: SYSTEM_PATH },
    }),
  };
}

const common = (label: string, program: readonly string[], log: string): Record<string, PlistValue> => ({
  Label: label,
  ProgramArguments: [...program],
  RunAtLoad: true,
  KeepAlive: true,
  ThrottleInterval: THROTTLE,
  ExitTimeOut: EXIT_TIME,
  WorkingDirectory: '/',
  StandardOutPath: log,
  StandardErrorPath: log,
});
