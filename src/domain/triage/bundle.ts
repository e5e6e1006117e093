import type { Sha1 } from '../brands.js';
import type { Role } from '../manifest.js';
import type { Entitlements, ProfileDescription } from '../profile.js';

/** What was found at a bundle's `embedded.mobileprovision`. */
export type EmbeddedProfile =
  | { readonly state: 'missing' }
  /** No profile at all; `reason` is one or two sentences. */
  | { readonly state: 'not-a-profile'; readonly reason: string }
  /** Its contents cannot be believed; they are shown where they could be decoded. */
  | { readonly state: 'untrusted'; readonly reason: string; readonly profile: ProfileDescription | null }
  | { readonly state: 'read'; readonly profile: ProfileDescription };

/** How the resources of a bundle are sealed by its signature. */
export type Seal =
  /** `_CodeSignature/CodeResources` is not there. */
  | { readonly state: 'none' }
  | { readonly state: 'unreadable'; readonly reason: string }
  | {
      readonly state: 'sealed';
      readonly files: number;
      /** Whether the code directory names this very CodeResources. */
      readonly bound: boolean;
      /** Whether the profile that is there is the one that was sealed; null where there is none, or it is not sealed by digest. */
      readonly profileAsSealed: boolean | null;
    };

/** What a bundle's code signature says. The digests of its pages are not computed: `codesign --verify` does that. */
export type BundleSignature =
  | { readonly state: 'none' }
  | { readonly state: 'unreadable'; readonly reason: string }
  | { readonly state: 'ad-hoc'; readonly source: SignatureSource; readonly identifier: string | null; readonly seal: Seal }
  | {
      readonly state: 'signed';
      readonly source: SignatureSource;
      readonly identifier: string | null;
      readonly team: string | null;
      /** Common names, from the signer's certificate to the root. */
      readonly authorities: readonly string[];
      /** Null where the CMS structure embeds no certificate of its signer. */
      readonly signer: { readonly sha1: Sha1; readonly commonName: string; readonly notAfter: string } | null;
      /** Whether the signer's key made the signature. */
      readonly made: boolean;
      /** Null where none are signed in. */
      readonly entitlements: Entitlements | null;
      readonly seal: Seal;
    };

/** `codesign`: Team and Authority as `codesign -dvvv` prints them; `read`: as they are written in the file. */
export type SignatureSource = 'codesign' | 'read';

/** A signed bundle with a profile of its own. */
export interface Bundle {
  /** In the artifact, as `Courier.app/PlugIns/Share.appex`. */
  readonly path: string;
  readonly role: Role;
  /** The bundle's name without its suffix: Xcode's product name, by default that of the target. */
  readonly product: string;
  /** CFBundleIdentifier; null where Info.plist is missing or names none. */
  readonly bundleId: string | null;
  readonly profile: EmbeddedProfile;
  readonly signature: BundleSignature;
}

export interface Artifact {
  readonly kind: 'ipa' | 'xcarchive' | 'app' | 'appex';
  /** The host first, then what is inside it, by path. */
  readonly bundles: readonly Bundle[];
}

/** The description in a profile, believed or not. */
export const descriptionOf = (profile: EmbeddedProfile): ProfileDescription | null =>
  profile.state === 'read' || profile.state === 'untrusted' ? profile.profile : null;
