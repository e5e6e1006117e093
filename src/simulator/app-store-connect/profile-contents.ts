/** UUID and times out of a profile's bytes, which the account itself has been given: nothing is verified. */
export function readProfileDescription(content: Uint8Array): { readonly uuid: string; readonly createdAt: Date; readonly expiresAt: Date } {
  const text = Buffer.from(content).toString('latin1');
  const value = (key: string, type: string): string => new RegExp(`<key>${key}</key>\\s*<${type}>([^<]*)</${type}>`).exec(text)?.[1] ?? '';
  return {
    uuid: value('UUID', 'string'),
    createdAt: new Date(value('CreationDate', 'date')),
    expiresAt: new Date(value('ExpirationDate', 'date')),
  };
}
