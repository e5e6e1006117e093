import type { AnyCommand } from './command.js';

/** One line of the command tree: light, so that `reseal --help` loads no command. */
export interface CommandEntry {
  /** Words of the command line: `profile inspect`; the file is `src/cli/profile/inspect.ts`. */
  readonly path: string;
  readonly description: string;
  load(): Promise<{ readonly command: AnyCommand }>;
}

/** What a noun is, in the order of `reseal --help`. */
export const NOUNS: Readonly<Record<string, string>> = {
  rotation: 'Plan, start, follow and steer rotations',
  roster: 'Who may do what, as it is declared and as people have adopted it',
  revoke: 'Certificates that Apple has revoked, as people record them',
  schedule: 'The scan that starts rotations before anything expires',
  manifest: 'Freeze manifests, look at them, compare and check them',
  profile: 'Look at provisioning profiles, verify them, take them into the store',
  certificate: 'Signing identities: take them in, sealed to the nodes that sign with them',
  topology: 'What is declared of lines, keys and nodes: check it, and keep a README in step with it',
  agent: 'The process on a Mac that serves it as a node',
  node: 'The Macs of the mesh, as declared and as they are',
  audit: 'What was done outside, in chains that show whatever was changed in them',
  'codec-key': 'Keys under which payloads in Temporal are encrypted',
  'order-key': 'The key that the installation signs its orders to agents and gateways with',
  sidecar: 'The service that holds signing keys for nodes that may have none',
  claim: 'Claims on artifacts: each is signed once',
  handoff: 'Handoffs between stages of a pipeline',
  export: 'Take a signing identity out of a keychain: two others approve, sealed to one receiver, fetched once',
  seat: 'Seats of signers: one job at a time signs on a node',
};

/** Every command. A test holds that descriptions here and in the commands are the same. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    path: 'up',
    description: 'Run everything in one process: Temporal and database unless configured, control API, worker',
    load: () => import('./up.js'),
  },
  { path: 'demo', description: 'Run a whole rotation on a simulated mesh, and look on', load: () => import('./demo.js') },
  { path: 'server', description: 'Run the control API', load: () => import('./server.js') },
  { path: 'worker', description: 'Run a worker: workflows, and the nodes that it reaches', load: () => import('./worker.js') },
  {
    path: 'agent run',
    description: 'Serve this Mac as a node; exit 4 where the node has an agent already',
    load: () => import('./agent/run.js'),
  },
  {
    path: 'agent install',
    description: 'Have launchd keep the agent of this Mac running, and its canary process where one is configured',
    load: () => import('./agent/install.js'),
  },
  {
    path: 'agent uninstall',
    description: 'Take agent and canary process away from launchd',
    load: () => import('./agent/uninstall.js'),
  },
  {
    path: 'canary',
    description: 'Run the canary process in the session that builds: looks at keychains and signs canaries for the agent',
    load: () => import('./canary.js'),
  },
  {
    path: 'init',
    description: 'Begin: write a first configuration, make its store, and freeze the first manifest of your profiles',
    load: () => import('./init.js'),
  },
  {
    path: 'doctor',
    description: 'Check that this machine has what reseal needs, and say how to get what is missing',
    load: () => import('./doctor.js'),
  },
  {
    path: 'sbom',
    description: 'Print what may be published of what apps are signed with, as CycloneDX 1.6: aliases, expiries, last six digits',
    load: () => import('./sbom.js'),
  },
  {
    path: 'advise',
    description: 'Say which topology to begin with for a team, and what it trades for what',
    load: () => import('./advise.js'),
  },
  {
    path: 'triage',
    description:
      'Find out why signing failed, or will: profiles, identities, settings, signatures, nodes, in this order; exit 1 on a finding',
    load: () => import('./triage.js'),
  },
  {
    path: 'rotation plan',
    description: 'Show what a rotation would do and whether the time suffices; exit 1 when it must not begin',
    load: () => import('./rotation/plan.js'),
  },
  {
    path: 'rotation rehearse',
    description: 'Rehearse the whole window of a line on simulated nodes that stand for its own; exit 1 when something would have broken',
    load: () => import('./rotation/rehearse.js'),
  },
  {
    path: 'rotation start',
    description: 'Start a rotation of a line with all that is due on it, or at once with all that signs with a revoked certificate',
    load: () => import('./rotation/start.js'),
  },
  { path: 'rotation list', description: 'List rotations, newest first', load: () => import('./rotation/list.js') },
  {
    path: 'rotation status',
    description: 'Show where a rotation stands, what it waits for and what can be done',
    load: () => import('./rotation/status.js'),
  },
  {
    path: 'rotation watch',
    description: 'Follow a rotation to its end; exit 0 when it completed, 1 when it ended otherwise',
    load: () => import('./rotation/watch.js'),
  },
  { path: 'rotation approve', description: 'Approve exactly the manifest that is shown', load: () => import('./rotation/approve.js') },
  {
    path: 'rotation reject',
    description: 'Reject what is to be approved: the canary goes back, the new profiles go away',
    load: () => import('./rotation/reject.js'),
  },
  { path: 'rotation withdraw', description: 'Take back your approval', load: () => import('./rotation/withdraw.js') },
  {
    path: 'rotation pause',
    description: 'Stop at the next node boundary; it goes on by itself at the latest safe time',
    load: () => import('./rotation/pause.js'),
  },
  { path: 'rotation resume', description: 'Go on after a pause', load: () => import('./rotation/resume.js') },
  {
    path: 'rotation cancel',
    description: 'End a rotation: at once before a node was changed, by an ordered rollback after that',
    load: () => import('./rotation/cancel.js'),
  },
  {
    path: 'rotation rollback',
    description: 'Bring every node back to the old assets; also after a rotation has completed',
    load: () => import('./rotation/rollback.js'),
  },
  { path: 'rotation answer', description: 'Answer the question that a rotation asks', load: () => import('./rotation/answer.js') },
  {
    path: 'rotation exclude',
    description: 'Leave nodes in trouble out; more than may be unavailable only where two persons say so',
    load: () => import('./rotation/exclude.js'),
  },
  { path: 'rotation retry', description: 'Give nodes in trouble another turn', load: () => import('./rotation/retry.js') },
  {
    path: 'rotation close',
    description: 'End an escalated rotation as it is, with the list of nodes in neither state',
    load: () => import('./rotation/close.js'),
  },
  {
    path: 'schedule ensure',
    description: 'Create the scan and the look for nodes that came back, or bring both to what the policy says',
    load: () => import('./schedule/ensure.js'),
  },
  {
    path: 'schedule show',
    description: 'Show when the scan and the look for nodes that came back run, and what they ran last',
    load: () => import('./schedule/show.js'),
  },
  { path: 'schedule trigger', description: 'Scan now, and look for nodes that came back', load: () => import('./schedule/trigger.js') },
  {
    path: 'schedule pause',
    description: 'Stop scanning, and looking for nodes that came back, until `schedule ensure`',
    load: () => import('./schedule/pause.js'),
  },
  {
    path: 'schedule remove',
    description: 'Remove the scan and the look for nodes that came back; rotations in flight go on',
    load: () => import('./schedule/remove.js'),
  },
  {
    path: 'manifest freeze',
    description: "Verify a folder's profiles and freeze them as a line's first manifest",
    load: () => import('./manifest/freeze.js'),
  },
  {
    path: 'manifest verify',
    description: 'Check a manifest: frozen form, and every profile it names by bytes, signature and contents',
    load: () => import('./manifest/verify.js'),
  },
  { path: 'manifest diff', description: 'Compare two manifests; exit 1 when they differ', load: () => import('./manifest/diff.js') },
  {
    path: 'manifest show',
    description: 'Show what a manifest freezes: profiles, expiries, identities',
    load: () => import('./manifest/show.js'),
  },
  { path: 'manifest sha', description: "Print a manifest's digests", load: () => import('./manifest/sha.js') },
  {
    path: 'manifest settings',
    description: 'Print what builds read: the xcconfig and export options of a manifest',
    load: () => import('./manifest/settings.js'),
  },
  {
    path: 'profile inspect',
    description: 'Show what provisioning profiles hold and whether their signatures are good',
    load: () => import('./profile/inspect.js'),
  },
  {
    path: 'profile verify',
    description: 'Check that provisioning profiles are signed as Apple signs them',
    load: () => import('./profile/verify.js'),
  },
  {
    path: 'profile import',
    description: 'Verify provisioning profiles and take their bytes into the store',
    load: () => import('./profile/import.js'),
  },
  {
    path: 'certificate import',
    description: 'Take a signing identity (.p12) into the store, sealed to each node that is to sign with it',
    load: () => import('./certificate/import.js'),
  },
  {
    path: 'topology check',
    description: 'Check what topology.yaml declares, without asking a node; exit 1 on an error',
    load: () => import('./topology/check.js'),
  },
  {
    path: 'topology render',
    description: 'Write the topology into a README between its markers; with --check exit 1 when it differs',
    load: () => import('./topology/render.js'),
  },
  { path: 'node list', description: 'List the declared nodes, with what was last read off each', load: () => import('./node/list.js') },
  {
    path: 'node probe',
    description: 'Probe nodes now, side by side; exit 1 when a check fails, 3 when a node cannot be reached',
    load: () => import('./node/probe.js'),
  },
  {
    path: 'node expected',
    description: 'Print what a node should have by the manifest in force: profiles, identities, settings; the node is not asked',
    load: () => import('./node/expected.js'),
  },
  {
    path: 'node diff',
    description: 'Compare two nodes as they are now; exit 1 when they differ in something that builds depend on',
    load: () => import('./node/diff.js'),
  },
  {
    path: 'roster show',
    description: 'Show who is on the roster, with which keys and rights, since when and by whom, and what differs from the adopted one',
    load: () => import('./roster/show.js'),
  },
  {
    path: 'roster adopt',
    description:
      'Sign the roster as it is now, after showing what changes: with an adopted roster gates open, and the second signature makes an edit count',
    load: () => import('./roster/adopt.js'),
  },
  {
    path: 'revoke record',
    description:
      'Record that Apple has revoked a certificate, after showing what falls with it: nothing goes back to it then; reseal itself never revokes',
    load: () => import('./revoke/record.js'),
  },
  {
    path: 'revoke list',
    description: 'Show which certificates are recorded as revoked, by whom, whether that is proven, and where they are still in force',
    load: () => import('./revoke/list.js'),
  },
  {
    path: 'node delivery-key',
    description: 'Show the key that identities are sealed to for a node, and make it where there is none',
    load: () => import('./node/delivery-key.js'),
  },
  {
    path: 'node enroll',
    description:
      "Make, on this Mac, the key that its agent signs its answers with, and show what to declare; or that of a region's gateway",
    load: () => import('./node/enroll.js'),
  },
  {
    path: 'node purge',
    description: 'Destroy the retired keychains of a node that no rollback can need any more; exit 4 before that',
    load: () => import('./node/purge.js'),
  },
  {
    path: 'node restore',
    description:
      'Bring nodes to the manifest in force, or with --break-glass one to what it served before; exit 1 when one fails, 3 when one is away',
    load: () => import('./node/restore.js'),
  },
  {
    path: 'node script',
    description: 'Print reseal-node, the program to install on a Mac that is reached over SSH',
    load: () => import('./node/script.js'),
  },
  {
    path: 'node inspect',
    description: 'Read node truth now: what is active, accepted, present; exit 1 when a check fails',
    load: () => import('./node/inspect.js'),
  },
  {
    path: 'codec-server',
    description: "Decode payloads for Temporal's UI and CLI, for whoever has its token",
    load: () => import('./codec-server.js'),
  },
  {
    path: 'audit verify',
    description:
      'Verify audit chains against themselves, their signatures and what rotations have anchored; exit 1 when something is wrong',
    load: () => import('./audit/verify.js'),
  },
  {
    path: 'audit tail',
    description: 'Show the last records of the audit chains of a home; what is shown is not verified',
    load: () => import('./audit/tail.js'),
  },
  {
    path: 'audit export',
    description: 'Copy the audit chains of a home, with the heads that rotations have anchored, so that they can be verified elsewhere',
    load: () => import('./audit/export.js'),
  },
  {
    path: 'codec-key new',
    description: 'Make a codec key: the first one is active, any other is only read until it is activated',
    load: () => import('./codec-key/new.js'),
  },
  {
    path: 'codec-key list',
    description: 'List the codec keys of a key file, never the keys themselves',
    load: () => import('./codec-key/list.js'),
  },
  {
    path: 'codec-key activate',
    description: 'Write with another codec key from now on; the one before it is only read any more',
    load: () => import('./codec-key/activate.js'),
  },
  {
    path: 'codec-key retire',
    description: 'Remove a codec key that nothing in Temporal needs any more; exit 4 while something does',
    load: () => import('./codec-key/retire.js'),
  },
  {
    path: 'codec-key hand-out',
    description: 'Make the key file of an agent or a gateway: it reads what is for them, and nothing else',
    load: () => import('./codec-key/hand-out.js'),
  },
  {
    path: 'order-key new',
    description: 'Make the key that orders to agents and gateways are signed with, and show its public half to pin on their machines',
    load: () => import('./order-key/new.js'),
  },
  {
    path: 'order-key show',
    description: 'Print the public half of the key that orders are signed with, one line, as machines pin it',
    load: () => import('./order-key/show.js'),
  },
  {
    path: 'sidecar run',
    description: 'Hold signing keys that no node has, and sign what builds and canaries bring',
    load: () => import('./sidecar/run.js'),
  },
  {
    path: 'sidecar aliases',
    description: 'List the key aliases of a signing sidecar; exit 1 when one cannot sign',
    load: () => import('./sidecar/aliases.js'),
  },
  {
    path: 'sidecar sign',
    description: 'Have a signing sidecar sign a bundle with all that is in it; the signed one takes its place',
    load: () => import('./sidecar/sign.js'),
  },
  {
    path: 'impact',
    description: 'Show what falls with a certificate, a profile or a node: nodes, pipelines, bundles, builds in flight, what to do next',
    load: () => import('./impact.js'),
  },
  {
    path: 'claim acquire',
    description: 'Ask for the right to sign an artifact: granted with a token, or the signature that there is; exit 4 while another signs',
    load: () => import('./claim/acquire.js'),
  },
  {
    path: 'claim complete',
    description: 'Say what was signed under a claim; exit 4 where another has the claim, or has signed',
    load: () => import('./claim/complete.js'),
  },
  {
    path: 'claim release',
    description: 'Give a claim up unsigned, so that the next job need not wait for its end',
    load: () => import('./claim/release.js'),
  },
  {
    path: 'claim run',
    description: "Sign an artifact once: runs a command under a claim, unless it is signed already; exits with the command's own exit code",
    load: () => import('./claim/run.js'),
  },
  {
    path: 'claim show',
    description: 'Show who signs an artifact, and what was signed; exit 1 where it is not signed',
    load: () => import('./claim/show.js'),
  },
  {
    path: 'handoff create',
    description: 'Hand an artifact to the next stage of a pipeline: a signed envelope that names the manifest it was built by',
    load: () => import('./handoff/create.js'),
  },
  {
    path: 'handoff verify',
    description: 'Check a handoff: signature, line, pipeline, manifest, artifact, time; exit 1 where a check fails',
    load: () => import('./handoff/verify.js'),
  },
  {
    path: 'export request',
    description: 'Ask for the export of a signing identity, sealed to a receiver of the roster; others have to approve it',
    load: () => import('./export/request.js'),
  },
  {
    path: 'export approve',
    description: 'Approve exactly the export that is shown; with the last approval its node exports',
    load: () => import('./export/approve.js'),
  },
  {
    path: 'export reject',
    description: 'Reject an export: nothing leaves the node, and what is sealed already is not handed out',
    load: () => import('./export/reject.js'),
  },
  {
    path: 'export withdraw',
    description: 'Take back your request, which ends it, or your approval, which counts no more',
    load: () => import('./export/withdraw.js'),
  },
  {
    path: 'export fetch',
    description: 'Fetch what was exported, once; exit 4 when it was fetched before, or its time is over',
    load: () => import('./export/fetch.js'),
  },
  { path: 'export list', description: 'List exports, newest first', load: () => import('./export/list.js') },
  {
    path: 'export show',
    description: 'Show where an export stands, who said what, and what comes next',
    load: () => import('./export/show.js'),
  },
  {
    path: 'seat acquire',
    description: "Take a signer's seat, and print its token; exit 4 when it is not to be had in time",
    load: () => import('./seat/acquire.js'),
  },
  {
    path: 'seat book',
    description: "Book a signer's seat for later; exit 4 when none is free all that time",
    load: () => import('./seat/book.js'),
  },
  {
    path: 'seat run',
    description: "Run a command while holding a signer's seat; exits with the command's own exit code",
    load: () => import('./seat/run.js'),
  },
  {
    path: 'seat heartbeat',
    description: 'Say that the holder of a seat is alive; exit 4 when it has lost it',
    load: () => import('./seat/heartbeat.js'),
  },
  {
    path: 'seat release',
    description: "Give a seat or a booking back; with --force take it from its holder, in an operator's name",
    load: () => import('./seat/release.js'),
  },
  {
    path: 'seat list',
    description: 'List the seats of signers: who holds one, who waits, who has booked one',
    load: () => import('./seat/list.js'),
  },
  { path: 'seat usage', description: 'Show how long seats were held and waited for, day by day', load: () => import('./seat/usage.js') },
];
