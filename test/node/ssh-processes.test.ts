import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sshdMissing } from '../setup/sshd.js';
import { reachNodesOver, world } from './mesh.js';

/** Whatever the script may call: each start of one leaves a line. */
const TOOLS =
  'base64 cat chmod cp date find head id ln ls mkdir mktemp mv od ps readlink rm rmdir sed sha256sum shasum sleep stat sync tail tr wc xargs';

it.skipIf(sshdMissing !== null)(
  'an inspection over SSH starts at most 8 processes on a node that has none of a Mac’s own programs',
  async () => {
    const bin = mkdtempSync(join(tmpdir(), 'reseal-tools-'));
    const log = join(bin, 'log');
    for (const tool of TOOLS.split(' ')) {
      const real = execFileSync('sh', ['-c', `command -v ${tool} || true`], { encoding: 'utf8' }).trim();
      if (real === '') continue;
      writeFileSync(join(bin, tool), `#!/bin/sh\necho ${tool} >>'${log}'\nexec ${real} "$@"\n`);
      chmodSync(join(bin, tool), 0o755);
    }
    reachNodesOver('ssh', { bin });
    const mesh = await world();
    try {
      await mesh.settled();
      const inspect = () => mesh.activities().inspectNode({ ...mesh.order(), manifest: mesh.from });
      writeFileSync(log, '');
      expect((await inspect()).verdict).toBe('pass');
      // The watchdog of the session sleeps and looks beside it, whatever is asked.
      const started = readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line !== '' && line !== 'sleep' && line !== 'find');
      expect(started.length).toBeGreaterThan(0);
      expect(started.length, started.join(' ')).toBeLessThanOrEqual(8);
    } finally {
      await mesh.remove();
      rmSync(bin, { recursive: true, force: true });
    }
  },
);
