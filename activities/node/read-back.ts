import type { CommandResult } from '../../src/node-shell/contract.js';
import { judgeSignature, type Finding } from '../../src/domain/node/canary.js';
import { isUnsigned, parseCodesignDisplay } from '../../src/mac/codesign.js';
import { APP, APPLICATIONS, type Signed } from './canary-app.js';
import type { CanaryFolder } from './canary-folder.js';
import type { KnownManifest } from './frozen-contents.js';
import type { NodeSession } from './session.js';

/** What the node's own `codesign` shows of what was signed, whoever signed it: team, authorities, sealed resources, and the profiles that are embedded. */
export async function readBack(
  session: NodeSession,
  target: KnownManifest,
  folder: CanaryFolder,
  parts: readonly Signed[],
  codesign: (...args: readonly string[]) => Promise<CommandResult>,
): Promise<Finding | null> {
  const { files, node } = session;
  const environment = node.environment === 'simulated' ? 'simulated' : 'other';
  const place = (name: string): Promise<string> => files.programPath(folder.at(name));
  for (const part of parts) {
    const shown = await codesign('-dvvv', await place(part.path));
    if (isUnsigned(shown))
      return { verdict: 'fail', sentence: `\`codesign\` says that it has signed ${part.entry.bundleId}, and that is not signed at all` };
    const code = shown.code === 0 && !shown.expired ? parseCodesignDisplay(shown.stderr) : null;
    if (code === null) return { verdict: 'inconclusive', sentence: '`codesign -dvvv` does not show what was just signed' };
    if (code.signature === 'none' && environment === 'simulated')
      return { verdict: 'not-due', sentence: 'this simulated Mac cannot make real signatures' };
    const wrong = judgeSignature(code, part.entry, target.manifest.certificates);
    if (wrong !== null) return wrong;
  }
  const verified = await codesign('--verify', '--deep', '--strict', await place(`${APPLICATIONS}/${APP}`));
  if (verified.expired) return { verdict: 'inconclusive', sentence: '`codesign --verify` did not end in time' };
  if (verified.code !== 0) return { verdict: 'fail', sentence: `\`codesign --verify\` refuses what was just signed (${verified.code})` };
  return embedded(session, folder, parts);
}

/** The profiles in the signed app are those of the manifest, to the byte. */
async function embedded({ files }: NodeSession, folder: CanaryFolder, parts: readonly Signed[]): Promise<Finding | null> {
  const found = await files.digests(parts.map(({ path }) => folder.at(`${path}/embedded.mobileprovision`)));
  const other = parts.find(({ entry }, index) => {
    const one = found[index];
    return one?.kind !== 'file' || one.sha256 !== entry.profile.sha256;
  });
  return other === undefined
    ? null
    : { verdict: 'fail', sentence: `the signed ${other.entry.bundleId} embeds another profile than ${other.entry.profile.uuid}` };
}
