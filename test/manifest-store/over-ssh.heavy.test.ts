import { userInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { sshdMissing } from '../setup/sshd.js';
import { ServedStore } from './served-store.js';
import { contractOf, remoteContractOf } from './store-contract.js';

describe.skipIf(sshdMissing !== null)('over ssh', () => {
  contractOf('ssh', () => ServedStore.start('ssh'));
  remoteContractOf('ssh');

  it('says of a server that does not let it in, of one that nobody pinned, and of one that is away, what to do, and asks nobody', async () => {
    const served = await ServedStore.start('ssh');
    try {
      await served.prepare();
      const options = served.options();
      const remote = options.remote!;
      const said = async (change: Partial<typeof remote.ssh>, path = options.path): Promise<string | undefined> => {
        const store = await served.open({ ...served.options(), path, remote: { ...remote, clones: served.options().remote!.clones, ssh: { ...remote.ssh, ...change } } }); // prettier-ignore
        return (await store.trouble())?.message;
      };
      expect(await said({ config: '/dev/null' })).toContain('it does not let this account in. Give the ssh key of this account access');
      expect(await said({ knownHosts: '/dev/null' })).toContain('add it to known_hosts (ssh.knownHosts in reseal.yaml)');
      expect(await said({}, `ssh://${userInfo().username}@127.0.0.1:1/x.git`)).toContain('it is away, or cannot be reached from here');
      expect(await said({}, `${options.path}.none`)).toContain('there is no repository at that address');
    } finally {
      await served.stop();
    }
  });
});
