import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runProcess } from '../../src/temporal/run-process.js';
import { cleanEnv, ROOT, runReseal, type RanReseal } from './processes.js';

/** The demo of an example, as a person runs it, and what is on its nodes afterwards: asked of the nodes themselves. */
export class DemoExample {
  constructor(readonly home: string) {}

  run(...args: readonly string[]): Promise<RanReseal> {
    return runReseal(['demo', '--example', ...args], { env: cleanEnv(this.home), timeout: 280_000 });
  }

  get nodes(): readonly string[] {
    return readdirSync(join(this.home, 'nodes')).sort();
  }

  nodeHome(node: string): string {
    return join(this.home, 'nodes', node);
  }

  /** UUIDs of the profiles that Xcode 16 reads. */
  profiles(node: string): readonly string[] {
    return filesOf(join(this.nodeHome(node), 'Library/Developer/Xcode/UserData/Provisioning Profiles'), '.mobileprovision');
  }

  /** SHA-1 of the certificates that the node can sign with, as its own `security` says; empty where it has none. */
  identities(node: string): readonly string[] {
    const listed = this.security(node, 'find-identity', '-v', '-p', 'codesigning');
    return [...listed.matchAll(/^ *\d+\) ([0-9A-F]{40}) "Apple Distribution: /gm)].map(([, sha1 = '']) => sha1.toLowerCase()).sort();
  }

  /** CI keychains of the search list. */
  searchList(node: string): readonly string[] {
    const listed = this.security(node, 'list-keychains', '-d', 'user');
    return [...listed.matchAll(/\/(reseal-[0-9a-f]{8}\.keychain-db)"/g)].map(([, name = '']) => name).sort();
  }

  /** Files of keychains, whether they are on the search list or not; none on a node that is no Mac. */
  keychains(node: string): readonly string[] {
    return readdirSync(this.nodeHome(node)).includes('bin')
      ? readdirSync(join(this.nodeHome(node), 'Library/Keychains'))
          .filter((name) => name.startsWith('reseal-'))
          .sort()
      : [];
  }

  /** SHA-1 by validity, oldest first, of one team's distribution certificates. */
  certificates(team: string): readonly string[] {
    const folder = join(this.home, 'apple/certificates');
    return filesOf(folder, '.pem')
      .map((sha1) => ({ sha1, text: subjectOf(join(folder, `${sha1}.pem`)) }))
      .filter(({ text }) => text.subject.includes(team))
      .sort((a, b) => a.text.notAfter - b.text.notAfter)
      .map(({ sha1 }) => sha1);
  }

  /** Of the successors in a drop folder. */
  dropped(...below: readonly string[]): readonly string[] {
    return filesOf(join(this.home, 'sources', ...below), '.mobileprovision');
  }

  inForce(...below: readonly string[]): readonly string[] {
    return filesOf(join(this.home, 'profiles', ...below), '.mobileprovision');
  }

  private security(node: string, ...args: readonly string[]): string {
    const home = this.nodeHome(node);
    const ended = spawnSync(join(home, 'bin/security'), args, {
      cwd: home,
      env: { HOME: home, PATH: `${home}/bin:/usr/bin:/bin` },
      encoding: 'utf8',
    });
    return ended.error === undefined ? ended.stdout : '';
  }
}

/** The package, as `npm pack` makes it and an installation unpacks it, with what is built. @returns its folder */
export async function unpacked(folder: string): Promise<string> {
  const packed = await runProcess('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], {
    timeout: 60_000,
    cwd: ROOT,
  });
  expect(packed.code, packed.stderr).toBe(0);
  const tar = await runProcess('tar', ['-xzf', join(folder, packed.stdout.trim()), '-C', folder], { timeout: 60_000 });
  expect(tar.code, tar.stderr).toBe(0);
  const installed = join(folder, 'package');
  cpSync(join(ROOT, 'dist'), join(installed, 'dist'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(installed, 'node_modules'));
  return installed;
}

export const keychainOf = (identity: string): string => `reseal-${identity.slice(0, 8)}.keychain-db`;

export function expectCompleted(ran: RanReseal, ...rotations: readonly string[]): void {
  expect(ran.exit, ran.stdout + ran.stderr).toBe(0);
  for (const id of rotations) expect(ran.stdout).toContain(`\n${id} completed\n`);
  expect(ran.stdout).toMatch(/^builds +\d{2,} in all, on every node with profiles .*; \d{2,} profile files checked, 0 failed$/m);
}

const filesOf = (folder: string, suffix: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(suffix))
    .map((name) => name.slice(0, -suffix.length))
    .sort();

function subjectOf(path: string): { readonly subject: string; readonly notAfter: number } {
  const { subject, validTo } = new X509Certificate(readFileSync(path));
  return { subject, notAfter: Date.parse(validTo) };
}
