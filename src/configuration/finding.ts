/** Names of fields and positions in lists, from the root of a file. */
export type Path = readonly (string | number)[];

/** One thing that is wrong in a configuration file. */
export interface Finding {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** Dotted; empty for the file itself. */
  readonly field: string;
  readonly found: string;
  readonly expected: string;
}

/** `topology.yaml:12 nodes.0.roles: found "boss", expected one of signer, compile, publisher` */
export function describeFinding(finding: Finding): string {
  const field = finding.field === '' ? '' : ` ${finding.field}`;
  return `${finding.file}:${finding.line}${field}: found ${finding.found}, expected ${finding.expected}`;
}

/** A value as it is quoted to people: short, on one line, and without the credentials of an address. */
export function readable(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping of fields';
  const json = JSON.stringify(value).replaceAll(/:\/\/[^/@\s]*@/g, '://…@');
  return json.length > 80 ? `${json.slice(0, 77)}…"` : json;
}
