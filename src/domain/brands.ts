declare const brand: unique symbol;
type Brand<T, B extends string> = T & { readonly [brand]: B };

/** Lower-case hexadecimal SHA-256, 64 characters. */
export type Sha256 = Brand<string, 'Sha256'>;
/** Lower-case hexadecimal SHA-1, 40 characters; identities are named by the SHA-1 of their certificate. */
export type Sha1 = Brand<string, 'Sha1'>;
/** A profile's UUID, lower case. */
export type Uuid = Brand<string, 'Uuid'>;
/** Apple's ten-character team id. */
export type TeamId = Brand<string, 'TeamId'>;
export type NodeName = Brand<string, 'NodeName'>;
export type LineName = Brand<string, 'LineName'>;
/** `<line>-<k>`, k being the rotation's number on its line. */
export type RotationId = Brand<string, 'RotationId'>;
export type PersonId = Brand<string, 'PersonId'>;
/** Milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number;
/** A length of time in milliseconds. */
export type Duration = number;

const SHA256 = /^[0-9a-f]{64}$/;
const SHA1 = /^[0-9a-f]{40}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TEAM = /^[A-Z0-9]{10}$/;
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export const isSha256 = (text: string): text is Sha256 => SHA256.test(text);
export const isSha1 = (text: string): text is Sha1 => SHA1.test(text);
export const isUuid = (text: string): text is Uuid => UUID.test(text);
export const isTeamId = (text: string): text is TeamId => TEAM.test(text);
/** Names of lines, nodes, pools and persons: lower-case letters, digits, hyphens, at most 63 characters. */
/** What `isName` takes, for documents that describe it. */
export const NAME_PATTERN = NAME.source;
export const isName = (text: string): boolean => NAME.test(text);
