import type { Role } from '../domain/manifest.js';

const PREFIX = 'com.apple.product-type.';

/** Apple's product types that a profile signs, and what such a product is to a build. Others (frameworks, tests, tools) are signed with no profile of their own. */
const ROLES: Readonly<Record<string, Role>> = {
  application: 'host',
  'application.messages': 'host',
  'application.watchapp2-container': 'host',
  'application.on-demand-install-capable': 'clip',
  'application.watchapp': 'watch',
  'application.watchapp2': 'watch',
  'app-extension': 'extension',
  'app-extension.messages': 'extension',
  'app-extension.messages-sticker-pack': 'extension',
  'app-extension.intents-service': 'extension',
  'extensionkit-extension': 'extension',
  'tv-app-extension': 'extension',
  'watchkit-extension': 'extension',
  'watchkit2-extension': 'extension',
};

/**
 * The role of a product; null where no profile signs it.
 * @param sdk `iphoneos`, `watchos`, …: an app for watches alone is an application by its type
 */
export function roleOf(productType: string, sdk: string): Role | null {
  const role = ROLES[productType.startsWith(PREFIX) ? productType.slice(PREFIX.length) : productType] ?? null;
  return role === 'host' && sdk === 'watchos' ? 'watch' : role;
}

/** Platforms whose devices take a profile, by the name of their SDK. */
const DEVICES = ['iphoneos', 'watchos', 'appletvos', 'xros'] as const;

/**
 * The SDK that a target is built with for devices; null where it is for Macs alone.
 * @param root SDKROOT, which may carry a version @param supported SUPPORTED_PLATFORMS, which says it where the root is `auto`
 */
export function deviceSdk(root: string, supported: string): string | null {
  const named = DEVICES.find((sdk) => root.startsWith(sdk));
  if (named !== undefined) return named;
  const platforms = supported.split(/\s+/);
  return DEVICES.find((sdk) => platforms.includes(sdk)) ?? null;
}
