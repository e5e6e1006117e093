export interface CodesignOptions {
  readonly operation: 'sign' | 'display' | 'verify';
  /** SHA-1, a name or a part of one, or `-` for an ad hoc signature; empty where nothing is signed. */
  readonly identity: string;
  readonly force: boolean;
  /** Signs bundles inside first. */
  readonly deep: boolean;
  readonly verbosity: number;
  /** The keychain to look in; the search list where null. */
  readonly keychain: string | null;
  /** The file with them to sign with, or where to write them to display. */
  readonly entitlements: string | null;
  readonly identifier: string | null;
  /** As `runtime`. */
  readonly flags: string | null;
  readonly paths: readonly string[];
}

/** Long options that take a value in the next argument, with the short one that means the same. */
const WITH_VALUE: Readonly<Record<string, string>> = {
  sign: 's',
  identifier: 'i',
  options: 'o',
  requirements: 'r',
  keychain: 'keychain',
  entitlements: 'entitlements',
  architecture: 'a',
  'file-list': 'file-list',
};
/** Long options whose value, if any, is attached. */
const WITHOUT = ['force', 'deep', 'strict', 'timestamp', 'generate-entitlement-der', 'preserve-metadata', 'xml', 'no-strict', 'continue'];

/** Reads a command line of `codesign`, which mixes short options, long ones and paths; null where it is used wrongly. */
export function readCodesignOptions(args: readonly string[]): CodesignOptions | null {
  const values = new Map<string, string>();
  const flags = new Set<string>();
  const paths: string[] = [];
  let verbosity = 0;
  const rest = [...args];
  const take = (name: string, attached: string | undefined): boolean => {
    const value = attached ?? rest.shift();
    if (value !== undefined) values.set(name, value);
    return value !== undefined;
  };
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const [, long, attached] = /^--([a-z-]+)(?:=(.*))?$/.exec(arg) ?? [];
    if (long === 'verbose') verbosity = attached === undefined ? verbosity + 1 : Number(attached);
    else if (long === 'display' || long === 'verify') flags.add(long);
    else if (long !== undefined && WITH_VALUE[long] !== undefined) {
      if (!take(WITH_VALUE[long], attached)) return null;
    } else if (long !== undefined) {
      if (!WITHOUT.includes(long)) return null;
      flags.add(long);
    } else if (/^-[a-zR]/.test(arg)) {
      for (let letters = arg.slice(1); letters !== ''; letters = letters.slice(1)) {
        const letter = letters.charAt(0);
        if (letter === 'v') verbosity += 1;
        else if (letter === 'd') flags.add('display');
        else if (letter === 'f') flags.add('force');
        else if ('siora'.includes(letter)) {
          if (!take(letter, letters.length > 1 ? letters.slice(1) : undefined)) return null;
          break;
        } else return null;
      }
    } else paths.push(arg);
  }
  const identity = values.get('s');
  const operation = identity !== undefined ? 'sign' : flags.has('display') ? 'display' : 'verify';
  // Alone, -v verifies, and is one less wordy for it.
  const isAlone = operation === 'verify' && !flags.has('verify');
  if (paths.length === 0 || (isAlone && verbosity === 0) || !Number.isInteger(verbosity)) return null;
  return {
    operation,
    identity: identity ?? '',
    force: flags.has('force'),
    deep: flags.has('deep'),
    verbosity: isAlone ? verbosity - 1 : verbosity,
    keychain: values.get('keychain') ?? null,
    entitlements: values.get('entitlements') ?? null,
    identifier: values.get('i') ?? null,
    flags: values.get('o') ?? null,
    paths,
  };
}
