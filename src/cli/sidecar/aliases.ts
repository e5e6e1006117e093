import { resolve } from 'node:path';
import { sidecarAliasesText, sidecarAliasesView } from '../../presenters/sidecar.js';
import { defineCommand } from '../command.js';
import { aliasesAt, SOCKET } from './ask.js';

export const command = defineCommand({
  description: 'List the key aliases of a signing sidecar; exit 1 when one cannot sign',
  arguments: {},
  options: { socket: SOCKET },
  async handler(context, _, { socket }) {
    const view = sidecarAliasesView(await aliasesAt(resolve(context.cwd, socket)), context.now());
    context.output.show(view, (shown) => sidecarAliasesText(shown, context.output, context.now()));
    return view.aliases.every((one) => one.usable) && view.trouble === null ? 0 : 1;
  },
});
