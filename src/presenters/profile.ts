import { ResealError, type ErrorCode } from '../domain/errors.js';
import type { ProfileDescription } from '../domain/profile.js';
import type { InspectedProfile } from '../profile/read.js';
import { signerExpired, type SignatureStatus } from '../profile/signature.js';

/** One certificate as it may be shown in public: the last six digits of its serial number only (S8). */
export interface ProfileCertificateView {
  readonly sha1: string;
  readonly commonName: string;
  readonly serialLast6: string;
  readonly expiresAt: string;
}

export interface ProfileContentsView {
  readonly uuid: string;
  readonly name: string;
  readonly teamId: string;
  readonly teamName: string;
  readonly kind: string;
  readonly platforms: readonly string[];
  readonly bundleId: string;
  readonly wildcard: boolean;
  readonly prefix: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly sha256: string;
  readonly xcodeManaged: boolean;
  readonly deviceCount: number;
  readonly certificates: readonly ProfileCertificateView[];
  readonly entitlements: Readonly<Record<string, unknown>>;
  readonly signature: {
    readonly status: SignatureStatus;
    readonly signerExpired: boolean;
    readonly signedAt: string | null;
    readonly reason: string;
  };
}

/** One file of `reseal profile inspect`. Has an `error` where it is no profile; contents beside it are to look at only. */
export type ProfileFileView = {
  readonly path: string;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
} & Partial<ProfileContentsView>;

export interface ProfileFilesView {
  readonly schemaVersion: 1;
  /** Whether every file is a profile whose signature counts. */
  readonly ok: boolean;
  readonly profiles: readonly ProfileFileView[];
}

/** @param at the instant by which a signer's certificate has expired or not */
export function profileFileView(path: string, outcome: InspectedProfile | ResealError, at: number): ProfileFileView {
  if (outcome instanceof ResealError) return { path, error: errorView(outcome) };
  const { profile, signature, error } = outcome;
  return {
    path,
    ...(error === null ? {} : { error: errorView(error) }),
    ...(profile === null ? {} : contentsView(profile)),
    signature: {
      status: signature.status,
      signerExpired: signerExpired(signature, at),
      signedAt: signature.signedAt,
      reason: signature.reason,
    },
  };
}

function contentsView(profile: ProfileDescription): Omit<ProfileContentsView, 'signature'> {
  return {
    uuid: profile.uuid,
    name: profile.name,
    teamId: profile.team,
    teamName: profile.teamName,
    kind: profile.kind,
    platforms: profile.platforms,
    bundleId: profile.bundleId,
    wildcard: profile.wildcard,
    prefix: profile.prefix,
    createdAt: profile.createdAt,
    expiresAt: profile.expiresAt,
    sha256: profile.sha256,
    xcodeManaged: profile.xcodeManaged,
    deviceCount: profile.devices.length,
    certificates: profile.certificates.map((one) => ({
      sha1: one.sha1,
      commonName: one.commonName,
      serialLast6: one.serial.slice(-6),
      expiresAt: one.notAfter,
    })),
    entitlements: profile.entitlements,
  };
}

export function profileFilesView(profiles: readonly ProfileFileView[]): ProfileFilesView {
  return { schemaVersion: 1, ok: profiles.every(isGood), profiles };
}

/** A profile, and its signature counts. */
export const isGood = (view: ProfileFileView): boolean => view.error === undefined && view.signature?.status === 'valid';

const errorView = (error: ResealError): { readonly code: ErrorCode; readonly message: string } => ({
  code: error.code,
  message: error.message,
});

/** Contents are all there or not at all. */
export const hasContents = (view: ProfileFileView): view is ProfileFileView & ProfileContentsView => view.uuid !== undefined;
