import { basename, resolve } from 'node:path';
import { hostname, userInfo } from 'node:os';
import { ResealError } from '../../domain/errors.js';
import { askOwner } from '../../node-shell/socket/ask.js';
import { bundlesFolder } from '../../node-shell/socket/trusted.js';
import { Brought } from '../../sidecar/bring.js';
import { askToSign } from '../../sidecar/client.js';
import type { SignedAnswer } from '../../sidecar/wire.js';
import { defineCommand } from '../command.js';
import { aliasesAt, capital, sidecarAway, SOCKET } from './ask.js';

/** A large app and a card that somebody has to touch, in milliseconds. */
const PATIENCE = 11 * 60_000;

export const command = defineCommand({
  description: 'Have a signing sidecar sign a bundle with all that is in it; the signed one takes its place',
  arguments: { bundle: { kind: 'text', required: true, description: 'An app as it was built, profiles embedded' } },
  options: {
    socket: SOCKET,
    alias: { kind: 'text', required: true, value: 'NAME', description: 'The key alias: RESEAL_ALIAS_… of the rendered settings' },
    entitlements: {
      kind: 'list',
      value: 'FILE',
      description: 'Entitlements: FILE for the bundle itself, PATH=FILE for one inside, like PlugIns/Notify.appex=notify.entitlements',
    },
    by: { kind: 'text', value: 'WHO', description: 'What the index of signatures names you by; default: your account and machine' },
  },
  async handler(context, { bundle: named }, { socket: named2, alias, entitlements, by }) {
    const socket = resolve(context.cwd, named2);
    const bundle = resolve(context.cwd, named);
    const certificate = await certificateOf(socket, alias);
    const brought = await Brought.to(bundlesFolder(socket));
    try {
      const files: Record<string, string> = {};
      for (const [index, text] of entitlements.entries()) {
        const [path, file] = entitlementsOf(text);
        files[path] = await brought.bring(resolve(context.cwd, file), `${index}.entitlements`);
      }
      const request = {
        alias,
        certificate,
        bundle: await brought.bring(bundle, basename(bundle)),
        entitlements: files,
        by: by ?? `${userInfo().username} on ${hostname()}`,
      };
      const answer = await askToSign(askOwner, socket, request, PATIENCE);
      if ('away' in answer) throw sidecarAway(answer.away);
      if ('refused' in answer) throw new ResealError('REFUSED', `The sidecar did not sign ${named}: ${answer.sentence}.`);
      await brought.takeBack(answer.signed, bundle);
      context.output.show(viewOf(alias, answer), (view) => [
        view.signature === 'made'
          ? `Signed by ${view.alias}, certificate ${view.certificate}:`
          : `NOT signed: the sidecar runs with signer: stand-in. What ${view.alias} would have signed:`,
        ...context.output.table(
          ['CODE', 'IDENTIFIER', 'CDHASH'],
          view.codes.map((code) => [code.path, code.identifier, code.cdHash ?? '-']),
        ),
      ]);
      return answer.signature === 'made' ? 0 : 1;
    } finally {
      await brought.clear();
    }
  },
});

const viewOf = (alias: string, { certificate, signature, codes }: SignedAnswer) =>
  ({ schemaVersion: 1, alias, certificate, signature, codes }) as const;

async function certificateOf(socket: string, alias: string): Promise<SignedAnswer['certificate']> {
  const { aliases } = await aliasesAt(socket);
  const found = aliases.find((one) => one.alias === alias);
  if (found === undefined)
    throw new ResealError(
      'NOT_FOUND',
      `The sidecar has no alias ${alias}; it has ${aliases.map((one) => one.alias).join(', ') || 'none'}.`,
    );
  if ('trouble' in found) throw new ResealError('REFUSED', `${capital(alias)} cannot sign: ${found.trouble}`);
  return found.certificate;
}

function entitlementsOf(text: string): readonly [path: string, file: string] {
  const at = text.indexOf('=');
  return at < 0 ? ['', text] : [text.slice(0, at), text.slice(at + 1)];
}
