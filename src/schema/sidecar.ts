import { z } from 'zod';
import { name, schemaVersion, text } from './fields.js';

/** Of these options of `rcodesign sign` an alias may have any; their values name a slot, a file, a public key or an environment variable, and are no secrets. */
const KEY_OPTIONS = [
  '--smartcard-slot',
  '--smartcard-pin-env',
  '--keychain-domain',
  '--keychain-fingerprint',
  '--windows-store-name',
  '--windows-store-sha1-fingerprint',
  '--remote-public-key',
  '--remote-public-key-pem-file',
  '--remote-shared-secret-env',
  '--remote-signing-url',
] as const;

const options = z
  .array(z.string().min(1), { error: 'options of rcodesign, each with its value' })
  .min(2, { error: 'options of rcodesign, each with its value' })
  .refine((words) => words.every((word, index) => (index % 2 === 0 ? KEY_OPTIONS.some((one) => one === word) : !word.startsWith('-'))), {
    error: `options of rcodesign that say where the key is, each with its value: ${KEY_OPTIONS.join(', ')}. Secrets come by environment variable, never as an argument`,
  });

const alias = z.union(
  [z.strictObject({ p12: z.strictObject({ file: text, passwordFile: text }) }), z.strictObject({ certificate: text, rcodesign: options })],
  { error: 'p12: {file, passwordFile}, or certificate: FILE with rcodesign: [OPTION, VALUE, …]' },
);

/** `sidecar.yaml`: what a signing sidecar holds, and where it is asked. Paths start at the file's folder. */
export const SidecarSchema = z.strictObject({
  schemaVersion,
  /** Default `socket`. */
  socket: text.default('socket'),
  /** A line of JSON for every signature. Default `signatures.jsonl`. */
  index: text.default('signatures.jsonl'),
  /** `stand-in`: nothing is signed, and it is said so; for simulated nodes on a machine without rcodesign. Default `rcodesign`. */
  signer: z.enum(['rcodesign', 'stand-in']).default('rcodesign'),
  /** PEM of the authorities above the certificates, where rcodesign does not know them: it knows Apple's. */
  chain: text.optional(),
  aliases: z.record(name, alias).default({}),
});

export type SidecarFile = z.infer<typeof SidecarSchema>;
export type AliasDeclaration = SidecarFile['aliases'][string];
