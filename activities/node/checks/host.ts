import { ResealError } from '../../../src/domain/errors.js';
import type { CheckResult } from '../../../src/domain/node/probe.js';
import { DEFAULT_IMAGE_FILE } from '../../../src/domain/topology.js';
import { flagsOfMount, installsUpdates, sleepMinutes } from '../../../src/mac/host-settings.js';
import { judged, notDue, pass, unanswered, type Observed } from './check.js';

/** The IMAGE_ID that a golden image carries is the declared one: cohorts and audits go by the declaration (rotation.md, "Cohorts and probes"). */
export async function image({ session }: Observed): Promise<CheckResult> {
  const { node, files } = session;
  const path = node.imageFile ?? DEFAULT_IMAGE_FILE;
  const found = await files.read(path);
  if (found.kind === 'absent') return notDue('image', `it has no ${path}`);
  if (found.kind === 'other') return judged(session, 'image', [`${path} is ${found.what}, expected a file with its IMAGE_ID`], '');
  const id = Buffer.from(found.bytes).toString('utf8').trim();
  const problems =
    id === node.image
      ? []
      : [`its image is ${JSON.stringify(id.slice(0, 80))}, declared is ${node.image}; correct topology.yaml, or image it again`];
  return judged(session, 'image', problems, `its image is ${node.image}, as declared`);
}

/** Controlled distribution: the volume is mounted read-only, and refuses a write that is really tried; the publisher alone may write. */
export async function mountRefuses({ session }: Observed): Promise<CheckResult> {
  const { node, line, files, policy, paths } = session;
  if (line.distribution !== 'mount') return notDue('mount', 'the line is distributed by copies');
  if (node.name === line.publisher) return notDue('mount', 'it is the publisher of the volume');
  const writable = await takesBytes(() => files.prepare(`${node.mount}/.reseal-write-probe`, new Uint8Array(), 0o444, paths.line));
  const taken = writable ? [`${node.mount} takes a file that is written there; a build could change what other builds sign with`] : [];
  const result = await files.run({ program: 'mount', args: [], timeout: policy.probe.checkTimeout });
  if (result.code !== 0 || result.expired)
    return writable ? judged(session, 'mount', taken, '') : unanswered(session, 'mount', 'mount', result);
  const flags = flagsOfMount(result.stdout, await files.programPath(node.mount));
  if (flags === null)
    return judged(session, 'mount', [`${node.mount} is on no mounted volume; mount the published one there`, ...taken], '');
  const problems = [
    ...(flags.includes('read-only') ? [] : [`the volume of ${node.mount} is not mounted read-only; mount it with \`-o rdonly\``]),
    ...taken,
  ];
  return { ...judged(session, 'mount', problems, 'the volume is read-only and refuses writes'), evidence: { flags: flags.length } };
}

/** Whether a file can be written; it is gone again before anybody sees it. */
async function takesBytes(write: () => Promise<{ discard(): Promise<void> }>): Promise<boolean> {
  try {
    await (await write()).discard();
    return true;
  } catch (error) {
    if (error instanceof ResealError && error.code === 'NODE_WRITE_FAILED') return false;
    throw error;
  }
}

/** A signer that sleeps locks its keychains and misses its windows. */
export async function power({ session }: Observed): Promise<CheckResult> {
  const { node, files, policy } = session;
  if (!node.roles.includes('signer')) return notDue('power', 'it is no signer');
  const result = await files.run({ program: 'pmset', args: ['-g'], timeout: policy.probe.checkTimeout });
  const minutes = result.code === 0 && !result.expired ? sleepMinutes(result.stdout) : null;
  if (minutes === null) return unanswered(session, 'power', 'pmset', result);
  if (minutes === 0) return pass('power', 'it never sleeps');
  const problem = `it sleeps after ${minutes} minutes, which locks keychains and stops builds; set \`pmset -a sleep 0\` on it`;
  return { ...judged(session, 'power', [problem], ''), evidence: { sleepMinutes: minutes } };
}

/** An update that installs itself restarts a signer in the middle of a build, locks its keychains, and makes another image of it. */
export async function updates({ session }: Observed): Promise<CheckResult> {
  const { node, files, policy } = session;
  if (!node.roles.includes('signer')) return notDue('updates', 'it is no signer');
  const args = ['read', '/Library/Preferences/com.apple.SoftwareUpdate', 'AutomaticallyInstallMacOSUpdates'];
  const result = await files.run({ program: 'defaults', args, timeout: policy.probe.checkTimeout });
  const found = result.expired ? null : installsUpdates(result);
  switch (found) {
    case null:
      return unanswered(session, 'updates', 'defaults', result);
    case 'no':
      return pass('updates', 'it installs no updates of macOS by itself');
    case 'not-set':
      return notDue('updates', 'nobody has set whether it installs updates of macOS by itself');
    case 'yes': {
      const remedy = `\`sudo defaults write /Library/Preferences/com.apple.SoftwareUpdate AutomaticallyInstallMacOSUpdates -bool false\``;
      return judged(session, 'updates', [`it installs updates of macOS by itself, and restarts when it likes; set ${remedy} on it`], '');
    }
  }
}
