import { existsSync, linkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DataConverter } from '@temporalio/common';
import { readSecret, type SecretSource } from '../../secret/read-secret.js';
import type { Configuration } from '../../configuration/load.js';
import type { NodeName } from '../../domain/brands.js';
import { gatewayAudience, nodeAudience, type Audience } from '../../domain/codec/audience.js';
import { ResealError } from '../../domain/errors.js';
import { routeOf } from '../../domain/node/routes.js';
import { dataConverter } from '../data-converter.js';
import { encryptingCodec } from './encryption.js';
import { keysText, newRootKey, parseKeys, type StoredKey } from './key-file.js';
import { controlRing, ringOf, type KeyRing } from './key-ring.js';

/** How a process reads and writes payloads. */
export interface Encoding {
  readonly dataConverter: DataConverter;
  /** Null: payloads are plain. */
  readonly ring: KeyRing | null;
}

export const PLAIN: Encoding = { dataConverter: dataConverter(null), ring: null };

/** The key file of a home whose Temporal server is embedded. */
export const homeKeys = (home: string): string => join(home, 'codec-keys.json');

/** Where the keys of the control plane are; null: payloads are plain. `home`: in its own file, which is made where there is none. */
export type ControlKeys = { readonly kind: 'home'; readonly file: string } | { readonly kind: 'declared'; readonly source: SecretSource };

/**
 * What is not declared is encrypted where Temporal is embedded and a node is real. Where all are simulated nothing is confidential, and Temporal's UI shows it at
 * once; where Temporal is elsewhere, a key that one process makes is of no use to the others.
 */
export function controlKeys({ reseal, topology }: Pick<Configuration, 'reseal' | 'topology'>, home: string): ControlKeys | null {
  const { codec } = reseal;
  if (codec === 'none') return null;
  if (codec?.control !== undefined) return { kind: 'declared', source: codec.control };
  const file = homeKeys(home);
  if (codec !== undefined) return { kind: 'home', file };
  if (reseal.temporal.address !== 'embedded') return null;
  const real = topology.nodes.some((node) => node.environment !== 'simulated');
  // Keys that are there have been used: what was written under them is still to be read.
  return real || existsSync(file) ? { kind: 'home', file } : null;
}

const describedSource = (source: SecretSource): string =>
  'file' in source
    ? source.file
    : 'environment' in source
      ? `the variable ${source.environment}`
      : `the command ${source.command[0] ?? ''}`;

const sourceOf = (keys: ControlKeys): SecretSource => (keys.kind === 'home' ? { file: keys.file } : keys.source);

/** @throws ResealError SOURCE_REFUSED, CONFIG_INVALID */
export async function readControlKeys(keys: ControlKeys, env: NodeJS.ProcessEnv): Promise<readonly StoredKey[]> {
  const source = sourceOf(keys);
  return parseKeys(await readSecret(source, 'The key file of the payload codec', 'codec.control', env), describedSource(source));
}

/** @throws ResealError SOURCE_REFUSED, CONFIG_INVALID */
export const openControlRing = async (keys: ControlKeys, env: NodeJS.ProcessEnv): Promise<KeyRing> =>
  controlRing(await readControlKeys(keys, env), describedSource(sourceOf(keys)));

interface ControlRequest {
  /** The configuration of now. */
  readonly configuration: () => Configuration;
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Of API and workers: reads and writes for everybody. @throws ResealError SOURCE_REFUSED, CONFIG_INVALID */
export async function controlEncoding({ configuration, home, env, now }: ControlRequest): Promise<Encoding> {
  const keys = controlKeys(configuration(), home);
  if (keys === null) return PLAIN;
  if (keys.kind === 'home') makeHomeKeys(keys.file, now);
  const ring = await openControlRing(keys, env);
  return { ring, dataConverter: dataConverter(encryptingCodec({ ring, servedBy: servedBy(configuration) })) };
}

/** Of an agent or a gateway. @throws ResealError SOURCE_REFUSED, CONFIG_INVALID */
export async function audienceEncoding({ reseal }: Configuration, audience: Audience, env: NodeJS.ProcessEnv): Promise<Encoding> {
  const { codec } = reseal;
  if (codec === undefined || codec === 'none') return PLAIN;
  if (codec.nodes === undefined)
    throw new ResealError(
      'CONFIG_INVALID',
      `reseal.yaml declares codec keys of the control plane and none of nodes, so ${audience} could read no order. Set codec.nodes to where \`reseal codec-key hand-out --for ${audience}\` puts its keys.`,
    );
  const text = await readSecret(codec.nodes, 'The key file of the payload codec', 'codec.nodes', env);
  const ring = ringOf(audience, parseKeys(text, describedSource(codec.nodes)), describedSource(codec.nodes));
  return { ring, dataConverter: dataConverter(encryptingCodec({ ring, servedBy: () => audience })) };
}

/** Who serves a node, by the last configuration that could be read: one that somebody has just broken keeps no seat from being answered. */
function servedBy(configuration: () => Configuration): (node: NodeName) => Audience {
  let known = configuration();
  return (name) => {
    try {
      known = configuration();
    } catch {
      // Who broke it hears of it from everything that asks for it.
    }
    const node = known.topology.nodes.find((one) => one.name === name);
    const route = node === undefined ? null : routeOf(node, known.reseal.ssh.gateways);
    if (route === null) return 'control';
    return route.by === 'agent' ? nodeAudience(name) : gatewayAudience(route.region);
  };
}

/** Whole or not at all, and never over one that is there. */
function makeHomeKeys(file: string, now: number): void {
  if (existsSync(file)) return;
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, keysText([newRootKey('active', now)]), { mode: 0o600 });
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}
