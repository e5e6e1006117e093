import { spawn } from 'node:child_process';
import { ResealError } from '../domain/errors.js';

/**
 * Signs with the OpenSSH client's `ssh-keygen -Y sign`: any key that it knows, agent and hardware keys included. A passphrase is asked for by `ssh-keygen` itself, on the
 * terminal or by SSH_ASKPASS; it passes through nothing of ours.
 * @param key path of a private key, or of a public one whose private half an agent has
 * @returns the armored signature
 * @throws ResealError FILE_UNREADABLE, TOOL_MISSING
 */
export async function signWithSsh(message: Uint8Array, key: string, namespace: string, env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn('ssh-keygen', ['-q', '-Y', 'sign', '-f', key, '-n', namespace], { stdio: ['pipe', 'pipe', 'pipe'], env });
  let [signature, said] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (signature += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  // It may end before it has read everything: its exit code says why.
  child.stdin.on('error', () => undefined);
  child.stdin.end(message);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => {
      reject(new ResealError('TOOL_MISSING', '`ssh-keygen` is not there: it signs. Install the OpenSSH client.', { cause: error }));
    });
    child.once('close', resolve);
  });
  if (code === 0 && signature !== '') return signature;
  const reason = said.trim().split('\n')[0] ?? '';
  throw new ResealError(
    'FILE_UNREADABLE',
    `The key ${key} does not sign: ${reason === '' ? `ssh-keygen ended with ${code ?? 'a signal'}` : reason}.`,
  );
}
