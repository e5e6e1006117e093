/** `sdk=iphoneos*` of `KEY[sdk=iphoneos*]`. */
export interface Condition {
  readonly parameter: string;
  readonly pattern: string;
}

export interface ConditionalKey {
  readonly key: string;
  readonly conditions: readonly Condition[];
}

/** A setting's name with its conditions, as `CODE_SIGN_IDENTITY[sdk=iphoneos*][arch=arm64]`; null for what is none. */
export function parseKey(text: string): ConditionalKey | null {
  const [, key = '', rest = ''] = /^([A-Za-z_][A-Za-z0-9_]*)\s*((?:\[[^\]]*\]\s*)*)$/.exec(text) ?? [];
  if (key === '') return null;
  const conditions: Condition[] = [];
  for (const [, inside = ''] of rest.matchAll(/\[([^\]]*)\]/g)) {
    for (const one of inside.split(',')) {
      const [, parameter = '', pattern = ''] = /^\s*(\w+)\s*=\s*(\S*)\s*$/.exec(one) ?? [];
      if (parameter === '') return null;
      conditions.push({ parameter, pattern });
    }
  }
  return { key, conditions };
}

/** Whether a condition holds; one that asks for what is not known here does not. */
export function fits({ parameter, pattern }: Condition, surroundings: Readonly<Record<string, string>>): boolean {
  const actual = surroundings[parameter];
  return actual !== undefined && matches(pattern, actual);
}

/** `*` and `?` as in a shell, in time that no pattern can blow up. */
function matches(pattern: string, text: string): boolean {
  let [p, t] = [0, 0];
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p;
      p += 1;
      resume = t;
    } else if (pattern[p] === '?' || pattern[p] === text[t]) {
      p += 1;
      t += 1;
    } else if (star >= 0) {
      p = star + 1;
      resume += 1;
      t = resume;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(p));
}
