import { CanaryFolder, signingPlace } from '../../activities/node/canary-folder.js';
import type { NodeName } from '../../src/domain/brands.js';
import { throughCanary } from '../../src/node-shell/canary/client.js';
import { startCanary } from '../../src/node-shell/canary/server.js';
import { bundlesFolder } from '../../src/node-shell/socket/trusted.js';
import { LocalNode } from '../../src/node-shell/local.js';
import { thisMac } from '../../src/node-shell/place.js';

/** One side of a Mac with two accounts: `node --import tsx account-process.ts canary|agent SOCKET HOME PATH`. */
const [, , role, socket = '', home = '', path = ''] = process.argv;
if (role === 'canary') {
  process.umask(0o007);
  await startCanary({ socket, bundles: [bundlesFolder(socket)], home, path });
  process.stdout.write('ready\n');
} else {
  process.umask(0o022);
  const node = new LocalNode('mac' as NodeName, throughCanary(thisMac(home, '/nonexistent'), socket));
  const folder = new CanaryFolder(node, signingPlace(node, '/nonexistent'), 'mac-op');
  const said = await folder.use(async () => {
    await folder.write('Stub.app/Stub', Buffer.from('code'), 'program');
    await folder.write('Stub.app/Info.plist', Buffer.from('<plist/>'));
    const signed = await node.run({
      program: 'codesign',
      args: ['--force', '--sign', 'a'.repeat(40), '--timestamp=none', folder.at('Stub.app')],
      timeout: 20_000,
    });
    return { signed, files: await node.list(folder.at('Stub.app')) };
  });
  process.stdout.write(`${JSON.stringify({ ...said, left: await node.list(bundlesFolder(socket)) })}\n`);
}
