import { existsSync, readFileSync } from 'node:fs';

/** The version in package.json, which lies at another depth above dist/ than above the sources. */
export function version(): string {
  for (const place of ['../../package.json', '../../../package.json']) {
    const url = new URL(place, import.meta.url);
    if (existsSync(url)) return (JSON.parse(readFileSync(url, 'utf8')) as { version: string }).version;
  }
  return '0.0.0';
}
