import { posix } from 'node:path';
import type { NodePath, PreparedFile } from '../../src/node-shell/contract.js';
import type { Effect } from './effect.js';
import type { WritingSession } from './session.js';

export interface FileToWrite {
  readonly path: NodePath;
  readonly bytes: Uint8Array;
  readonly mode: number;
}

/** Where something is, and where it goes. */
export type Move = readonly [from: NodePath, to: NodePath];

/** Writes files under temporary names and renames them in the order given. `aside`: what is in the way is moved first, under the fence. */
export function writing(session: WritingSession, subject: string, files: readonly FileToWrite[], aside: readonly Move[] = []): Effect {
  let prepared: readonly PreparedFile[] = [];
  const folders = [...new Set([...files.map((file) => file.path), ...aside.map(([, to]) => to)].map((path) => posix.dirname(path)))];
  return {
    subject,
    folders,
    touched: folders,
    prepare: async () => {
      const results = await Promise.allSettled(
        files.map(({ path, bytes, mode }) => session.files.prepare(path, bytes, mode, session.order.opId)),
      );
      prepared = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    },
    apply: async () => {
      for (const [from, to] of aside) {
        await session.held.check();
        await session.files.move(from, to);
      }
      for (const file of prepared) {
        await session.held.check();
        await file.commit();
      }
    },
    discard: async () => {
      for (const file of prepared) await file.discard();
    },
  };
}

export function moving(session: WritingSession, subject: string, moves: readonly Move[], ...sources: readonly NodePath[]): Effect {
  const targets = [...new Set(moves.map(([, to]) => posix.dirname(to)))];
  return {
    subject,
    folders: targets,
    touched: [...sources, ...targets],
    prepare: async () => undefined,
    apply: async () => {
      for (const [from, to] of moves) {
        await session.held.check();
        await session.files.move(from, to);
      }
    },
    discard: async () => undefined,
  };
}
