import { z } from 'zod';

/** The line of an Ed25519 public key (RFC 8709: 51 bytes, so that base64 has no padding), its comment left away. */
const enrolledKey = z
  .string()
  .regex(/^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43}(?: .*)?$/)
  .transform((line) => line.split(' ').slice(0, 2).join(' '));

const WHAT = 'a public key "ssh-ed25519 AAAA…" as `reseal node enroll` shows it';
const oneOrSome = (most: number, some: string) =>
  z.union([enrolledKey.transform((key) => [key]), z.array(enrolledKey).min(1).max(most)], { error: `${WHAT}, or a list of ${some}` });

/** Of a node's agent: its public key, or two while one replaces the other. */
export const nodeKeys = oneOrSome(2, 'two while one replaces the other');
/** Of the gateways of a region, each with a key of its own, or two while one replaces the other. */
export const gatewayKeys = oneOrSome(64, 'those of all gateways there, at most 64');
