import type { Role } from './manifest.js';

/** Where something stands: a file as people name it, and its line from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** The value of a build setting, with everything that it refers to put in, and the assignment that it came from. */
export interface Stated extends Place {
  readonly value: string;
}

/** Something in a project's files that could not be read or followed, told apart from what is wrong with signing. */
export interface ProjectGap extends Place {
  readonly found: string;
  readonly next: string;
}

/** How one target of an Xcode project is signed in one of its configurations, before reseal says anything to it. Null: not set, or set to nothing. */
export interface SigningTarget extends Place {
  readonly name: string;
  readonly role: Role;
  readonly configuration: string;
  /** Apps of the project that carry it; its own name for an app, none for an extension that nothing embeds. */
  readonly hosts: readonly string[];
  /** PRODUCT_BUNDLE_IDENTIFIER */
  readonly bundleId: Stated | null;
  /** CODE_SIGN_STYLE */
  readonly style: Stated | null;
  /** PROVISIONING_PROFILE_SPECIFIER */
  readonly specifier: Stated | null;
  /** PROVISIONING_PROFILE, the older of the two. */
  readonly profile: Stated | null;
  /** DEVELOPMENT_TEAM */
  readonly team: Stated | null;
  /** CODE_SIGN_IDENTITY */
  readonly identity: Stated | null;
  /** Settings of these that have no definite value. */
  readonly gaps: readonly ProjectGap[];
}

/** What an Xcode project says of signing. */
export interface ProjectSigning {
  /** As people name it: `Courier.xcodeproj`. */
  readonly name: string;
  readonly configurations: readonly string[];
  /** The one that Xcode takes where none is named. */
  readonly defaultConfiguration: string | null;
  /** Every target that is signed for devices, once per configuration. */
  readonly targets: readonly SigningTarget[];
  /** Names of targets that are left out, with why. */
  readonly leftOut: readonly { readonly name: string; readonly why: string }[];
  /** Of files, each with the configurations that it concerns. */
  readonly gaps: readonly (ProjectGap & { readonly configurations: readonly string[] })[];
}

/** What an ExportOptions.plist says. Null: not said. */
export interface ExportOptions {
  readonly file: string;
  readonly method: string;
  readonly team: string | null;
  readonly style: string | null;
  readonly certificate: string | null;
  /** Bundle id to the name or UUID of a profile. */
  readonly profiles: Readonly<Record<string, string>>;
}
