import type { ZodType } from 'zod';
import { parseSource, validate } from '../../../src/configuration/document.js';
import { checkConfiguration } from '../../../src/configuration/load.js';
import { SidecarSchema } from '../../../src/schema/sidecar.js';
import { TelemetrySchema } from '../../../src/schema/telemetry.js';
import { own, ownText } from '../corpus.js';
import { textOf, tokens, type Target } from '../target.js';

const YAML = tokens(
  ...['a: &a [x,x,x,x,x,x,x,x,x]\n', 'b: &b [*a,*a,*a,*a,*a,*a]\n', '*a', '*b', '&a ', '<<: *a\n', '[', ']', '{', '}', '? ', '- ', '-\n', ' a:\n', '  '],
  ...[': ', '\n', '|\n', '>-\n', '"', "'", '!!binary ', '!!js/function ', '!<tag:x> ', '---\n', '...\n', '%YAML 1.1\n', '# ', '\t', '\0', '__proto__: {a: 1}\n'],
  ...['constructor: 1\n', '~', 'null', '.inf', '0x10', '1e999', '2026-02-30', 'nodes:\n', 'lines: {}\n', '\ufeff', '\u2028', Uint8Array.of(0xff)],
); // prettier-ignore

/** Readers of YAML take long; that they take no longer than that of bigger files is proved by name (test/hostile). */
const LONGEST = 1_500;
const FILES = ['topology', 'policy', 'roster', 'reseal'] as const;
const nameOf = (key: (typeof FILES)[number]): string => `${key}.yaml`;
const WHOLE = Object.fromEntries(FILES.map((key) => [key, parseSource(nameOf(key), ownText(`configuration/${nameOf(key)}`))])) as Record<
  (typeof FILES)[number],
  ReturnType<typeof parseSource>
>;

/** The four files of a folder, one of them damaged: each by its schema, and what it says by what the others say. Which one it is stands in its first line. */
export const configuration: Target = {
  name: 'configuration',
  seeds: FILES.map((key) => own(`configuration/${nameOf(key)}`)),
  tokens: YAML,
  longest: LONGEST,
  run: (input) => {
    const text = textOf(input);
    const key = FILES.find((one) => text.startsWith(`# ${one}`)) ?? 'topology';
    checkConfiguration({ ...WHOLE, [key]: parseSource(nameOf(key), text) }, '/etc/reseal');
  },
};

const OTHERS: Readonly<Record<string, ZodType>> = { 'sidecar.yaml': SidecarSchema, 'telemetry.yaml': TelemetrySchema };

export const otherYaml: Target = {
  name: 'other-yaml',
  seeds: Object.keys(OTHERS).map((name) => own(`configuration/${name}`)),
  tokens: YAML,
  longest: LONGEST,
  run: (input) => {
    const text = textOf(input);
    const name = text.startsWith('# sidecar') ? 'sidecar.yaml' : 'telemetry.yaml';
    const { file, findings } = parseSource(name, text);
    if (findings.length === 0) validate(file, OTHERS[name]!);
  },
};
