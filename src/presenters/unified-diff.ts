/** Lines of context around a change, as `diff -u` and git have them. */
const CONTEXT = 3;

interface Edit {
  readonly kind: ' ' | '-' | '+';
  readonly line: string;
}

/** Beyond this many comparisons the changed middle is shown as one replacement: right still, only longer. */
const MOST_COMPARISONS = 4_000_000;

const split = (text: string): string[] => (text === '' ? [] : (text.match(/[^\n]*\n|[^\n]+$/g) ?? []));

/** The longest common subsequence of the middles as edits, deletions before insertions. */
function middleEdits(before: readonly string[], after: readonly string[]): Edit[] {
  const replaced = [...before.map((line): Edit => ({ kind: '-', line })), ...after.map((line): Edit => ({ kind: '+', line }))];
  if (before.length * after.length > MOST_COMPARISONS) return replaced;
  const width = after.length + 1;
  const common = new Uint32Array((before.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const edits: Edit[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    const [old, fresh] = [before[i], after[j]];
    if (old !== undefined && old === fresh) {
      edits.push({ kind: ' ', line: old });
      i += 1;
      j += 1;
    } else if (old !== undefined && (fresh === undefined || at(i + 1, j) >= at(i, j + 1))) {
      edits.push({ kind: '-', line: old });
      i += 1;
    } else if (fresh !== undefined) {
      edits.push({ kind: '+', line: fresh });
      j += 1;
    }
  }
  return edits;
}

function editsOf(before: readonly string[], after: readonly string[]): Edit[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  const same = (lines: readonly string[]): Edit[] => lines.map((line) => ({ kind: ' ', line }));
  return [
    ...same(before.slice(0, head)),
    ...middleEdits(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...same(before.slice(before.length - tail)),
  ];
}

/** Positions of edits in hunks: changes whose contexts touch are one. */
function hunksOf(edits: readonly Edit[]): { readonly from: number; readonly to: number }[] {
  const hunks: { from: number; to: number }[] = [];
  edits.forEach((edit, index) => {
    if (edit.kind === ' ') return;
    const last = hunks.at(-1);
    const [from, to] = [Math.max(0, index - CONTEXT), Math.min(edits.length, index + CONTEXT + 1)];
    if (last !== undefined && from <= last.to) last.to = to;
    else hunks.push({ from, to });
  });
  return hunks;
}

/** `start,length` as a hunk's head has it: an empty side names the line before it. */
const range = (before: number, length: number): string => `${length === 0 ? before : before + 1}${length === 1 ? '' : `,${length}`}`;

/** What `diff -u` prints, and `git apply` takes; empty where the texts are the same. */
export function unifiedDiff(before: string, after: string, name: string): string {
  if (before === after) return '';
  const edits = editsOf(split(before), split(after));
  const count = (from: number, to: number, kind: '-' | '+'): number =>
    edits.slice(from, to).filter((edit) => edit.kind === ' ' || edit.kind === kind).length;
  const hunks = hunksOf(edits).map(({ from, to }) => {
    const old = range(count(0, from, '-'), count(from, to, '-'));
    const fresh = range(count(0, from, '+'), count(from, to, '+'));
    const lines = edits
      .slice(from, to)
      .map(({ kind, line }) => `${kind}${line.endsWith('\n') ? line : `${line}\n\\ No newline at end of file\n`}`);
    return `@@ -${old} +${fresh} @@\n${lines.join('')}`;
  });
  return `--- a/${name}\n+++ b/${name}\n${hunks.join('')}`;
}
