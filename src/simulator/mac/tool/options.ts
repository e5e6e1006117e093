/** What BSD's getopt makes of a command's arguments. */
export interface Options {
  /** In their order; null for the value of an option that takes none. */
  readonly given: readonly { readonly option: string; readonly value: string | null }[];
  readonly rest: readonly string[];
  /** What it says on stderr, without the program's name, of an option that it does not know; the command is then used wrongly. */
  readonly wrong: string | null;
}

/** Options end at the first argument that is none, or behind `--`. @param known as for getopt: `k:t:w` */
export function readOptions(args: readonly string[], known: string): Options {
  const given: { option: string; value: string | null }[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    if (arg === '--') return { given, rest: args.slice(at + 1), wrong: null };
    if (!/^-./.test(arg)) return { given, rest: args.slice(at), wrong: null };
    for (let letter = 1; letter < arg.length; letter += 1) {
      const option = arg.charAt(letter);
      const found = option === ':' ? -1 : known.indexOf(option);
      if (found < 0) return { given, rest: [], wrong: `illegal option -- ${option}` };
      if (known.charAt(found + 1) !== ':') {
        given.push({ option, value: null });
        continue;
      }
      const attached = arg.slice(letter + 1);
      const value = attached === '' ? args[(at += 1)] : attached;
      if (value === undefined) return { given, rest: [], wrong: `option requires an argument -- ${option}` };
      given.push({ option, value });
      break;
    }
  }
  return { given, rest: [], wrong: null };
}

/** The value of an option's last occurrence; null where it was not given. */
export const valueOf = (options: Options, option: string): string | null =>
  options.given.findLast((one) => one.option === option)?.value ?? null;

export const isGiven = (options: Options, option: string): boolean => options.given.some((one) => one.option === option);
