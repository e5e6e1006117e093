import type { Sha1, Sha256, TeamId, Uuid } from './brands.js';
import type { Method } from './manifest.js';

/** A plist value as plain data: dates are ISO 8601 strings, bytes are base64 strings. */
export type PlainValue = string | number | boolean | readonly PlainValue[] | { readonly [key: string]: PlainValue };

/** What an app may do, as its profile grants it. */
export type Entitlements = Readonly<Record<string, PlainValue>>;

/** A certificate that a profile allows to sign with. */
export interface ProfileCertificate {
  readonly sha1: Sha1;
  readonly commonName: string;
  /** Upper-case hexadecimal. Public output shows the last six digits only (S8). */
  readonly serial: string;
  /** ISO 8601, UTC, whole seconds. */
  readonly notBefore: string;
  /** ISO 8601, UTC, whole seconds. */
  readonly notAfter: string;
}

/** What one `.mobileprovision` says. Plain data; instants are ISO 8601 in UTC with whole seconds, as in the manifest. */
export interface ProfileDescription {
  /** SHA-256 of the file's bytes. */
  readonly sha256: Sha256;
  readonly uuid: Uuid;
  readonly name: string;
  readonly team: TeamId;
  readonly teamName: string;
  /** First `ApplicationIdentifierPrefix`; usually the team id, in old accounts another one. */
  readonly prefix: string;
  /** `<prefix>.<bundleId>`. */
  readonly appId: string;
  /** The bundle id that the profile is for, or a pattern that ends in `*`. */
  readonly bundleId: string;
  readonly wildcard: boolean;
  readonly kind: Method;
  readonly platforms: readonly string[];
  readonly entitlements: Entitlements;
  /** UDIDs; empty where the kind has none. */
  readonly devices: readonly string[];
  /** Made by Xcode's automatic signing, which replaces it as it likes. */
  readonly xcodeManaged: boolean;
  readonly certificates: readonly ProfileCertificate[];
  readonly createdAt: string;
  readonly expiresAt: string;
}

/**
 * The kind of a profile, by Apple's keys (mac-tools.md): devices and `get-task-allow` make it development, devices without
 * it ad hoc, `ProvisionsAllDevices` enterprise, neither App Store.
 */
export function kindOf(facts: { readonly hasDevices: boolean; readonly allDevices: boolean; readonly getTaskAllow: boolean }): Method {
  if (facts.allDevices) return 'enterprise';
  if (!facts.hasDevices) return 'app-store';
  return facts.getTaskAllow ? 'development' : 'ad-hoc';
}

/** Whether a pattern (`com.acme.*`, `*`, or a plain bundle id) covers a bundle id. */
export function patternCovers(pattern: string, bundleId: string): boolean {
  return pattern.endsWith('*') ? bundleId.startsWith(pattern.slice(0, -1)) : pattern === bundleId;
}
