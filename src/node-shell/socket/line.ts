import type { Socket } from 'node:net';

/** The first line that comes, of at most `most` bytes; null where it is longer, or the other side ends before it. */
export function firstLine(socket: Socket, most: number): Promise<string | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const end = (line: string | null): void => {
      socket.off('data', more).off('end', none).off('error', none).off('close', none);
      resolve(line);
    };
    const none = (): void => end(null);
    const more = (chunk: Buffer): void => {
      const at = chunk.indexOf(0x0a);
      const part = at < 0 ? chunk : chunk.subarray(0, at);
      length += part.length;
      if (length > most) return end(null);
      chunks.push(part);
      if (at >= 0) end(Buffer.concat(chunks).toString('utf8'));
    };
    socket.on('data', more).on('end', none).on('error', none).on('close', none);
  });
}
