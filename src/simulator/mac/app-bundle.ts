import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stubApp, type StubAppRequest } from '../../mac/stub-app.js';

/** Makes an unsigned iPhone app in a folder, as a compiler leaves it behind, and answers its path. */
export async function makeApp(folder: string, request: StubAppRequest): Promise<string> {
  for (const { path, bytes, mode } of stubApp(request)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes, { mode });
  }
  return join(folder, `${request.name}.app`);
}
