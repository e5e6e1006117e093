import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { loadConfiguration } from '../../src/configuration/load.js';
import { audienceEncoding, controlEncoding, controlKeys, homeKeys } from '../../src/temporal/codec/declared.js';
import { keysText, newRootKey } from '../../src/temporal/codec/key-file.js';
import { handedOut } from '../../src/temporal/codec/key-ring.js';

const EXAMPLE = fileURLToPath(new URL('../configuration/example', import.meta.url));
const NOW = Date.parse('2026-11-27T10:00:00Z');

let config: string;
let home: string;
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'reseal-codec-declared-'));
  config = join(folder, 'config');
  home = folder;
  cpSync(EXAMPLE, config, { recursive: true });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function declare(file: string, change: (document: Record<string, unknown>) => object): void {
  const path = join(config, file);
  writeFileSync(path, stringify(change(parse(readFileSync(path, 'utf8')) as Record<string, unknown>)));
}
const encoding = () => controlEncoding({ configuration: () => loadConfiguration(config), home, env: process.env, now: NOW });

describe('codec keys', () => {
  it('are made in the home at its first start, where Temporal is embedded and nodes are real, and kept', async () => {
    const first = await encoding();
    expect(statSync(homeKeys(home)).mode & 0o777).toBe(0o600);
    expect(first.ring?.roots).toHaveLength(1);
    expect((await encoding()).ring?.roots).toEqual(first.ring?.roots);
  });

  it('are made nowhere where all nodes are simulated, where none are wanted, or where Temporal is elsewhere', async () => {
    declare('topology.yaml', (topology) => ({
      ...topology,
      nodes: (topology['nodes'] as object[]).map((node) => ({ ...node, environment: 'simulated' })),
    }));
    expect((await encoding()).ring).toBeNull();
    // Those that are there have been used.
    writeFileSync(homeKeys(home), keysText([newRootKey('active', NOW)]), { mode: 0o600 });
    expect((await encoding()).ring).not.toBeNull();
    declare('reseal.yaml', (reseal) => ({ ...reseal, codec: 'none' }));
    expect((await encoding()).ring).toBeNull();
    declare('reseal.yaml', ({ codec: _, ...reseal }) => ({ ...reseal, temporal: { address: 'temporal.acme.test:7233' } }));
    expect(controlKeys(loadConfiguration(config), home)).toBeNull();
    declare('reseal.yaml', (reseal) => ({ ...reseal, codec: {} }));
    expect(() => loadConfiguration(config)).toThrow(
      expect.objectContaining({ details: [expect.stringContaining('codec.control with the key file that API and workers share')] }),
    );
  });

  it('that are declared are read from where that says, relative to the configuration; one that is not there is told by its path', async () => {
    declare('reseal.yaml', (reseal) => ({ ...reseal, codec: { control: { file: 'keys/control.json' } } }));
    await expect(encoding()).rejects.toMatchObject({
      code: 'SOURCE_REFUSED',
      message: expect.stringContaining(
        `${join(config, 'keys/control.json')} is not there. Put it there, or correct codec.control`,
      ) as string,
    });
    expect(existsSync(homeKeys(home))).toBe(false);
    declare('reseal.yaml', (reseal) => ({ ...reseal, codec: { control: { environment: 'RESEAL_CODEC' } } }));
    const root = newRootKey('active', NOW);
    const env = { RESEAL_CODEC: keysText([root]) };
    const found = await controlEncoding({ configuration: () => loadConfiguration(config), home, env, now: NOW });
    expect(found.ring?.roots).toEqual([root.id]);
  });

  it('of an agent are those of its node; where the control plane has keys and it has none, it does not start', async () => {
    const root = newRootKey('active', NOW);
    declare('reseal.yaml', (reseal) => ({ ...reseal, codec: { control: { file: 'control.json' } } }));
    await expect(audienceEncoding(loadConfiguration(config), 'node/ams-build-1', {})).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(
        'Set codec.nodes to where `reseal codec-key hand-out --for node/ams-build-1` puts its keys.',
      ) as string,
    });
    declare('reseal.yaml', (reseal) => ({ ...reseal, codec: { control: { file: 'control.json' }, nodes: { file: 'nodes.json' } } }));
    writeFileSync(join(config, 'nodes.json'), keysText(handedOut('node/ams-build-1', [root])), { mode: 0o600 });
    const { ring } = await audienceEncoding(loadConfiguration(config), 'node/ams-build-1', {});
    expect(ring?.active('control').id).toBe(`${root.id}/node/ams-build-1`);
    await expect(audienceEncoding(loadConfiguration(config), 'node/ams-build-2', {})).rejects.toThrow('holds no key for node/ams-build-2');
  });
});
