import { describe, expect, it } from 'vitest';
import type { Rehearsal } from '../../src/domain/rehearsal/rehearsal.js';
import { rehearsalMarkdown } from '../../src/presenters/rehearsal-markdown.js';
import { rehearsalView } from '../../src/presenters/rehearsal.js';
import { RehearsalSchema } from '../../src/schema/rehearsal.js';
import { completed, digest, MONDAY, rolledBack, wellForecast } from '../domain/rehearsal/support.js';

const rehearsal: Rehearsal = {
  forecast: { ...wellForecast, reasons: ['a name with | and <b> in it'] },
  inForce: digest('a'),
  factor: 5040,
  began: MONDAY,
  ended: MONDAY + 90_000,
  newCertificates: 0,
  standIns: [],
  runs: [rolledBack, completed],
  builds: { builds: 100, checks: 400, failures: [] },
};
const clock = (at: number): string => new Date(at).toISOString();

describe('the report of a rehearsal (R8)', () => {
  it('is a document of its published schema', () => {
    const view = rehearsalView(rehearsal);
    expect(RehearsalSchema.parse(JSON.parse(JSON.stringify(view)))).toEqual(view);
    expect(view.verdict).toBe('fail');
  });

  it('is Markdown whose tables hold what is found, whatever characters it has', () => {
    const markdown = rehearsalMarkdown(rehearsalView(rehearsal), clock, 'UTC');
    expect(markdown).toContain('| preflight | a name with \\| and \\<b\\> in it |');
    const tables = markdown.split('\n\n').filter((block) => block.startsWith('|'));
    const columns = (row: string): number => row.replaceAll('\\|', '').split('|').length;
    for (const table of tables) expect(new Set(table.trim().split('\n').map(columns)).size, table).toBe(1);
  });

  it('tells the path of every node, and the way back by number', () => {
    const markdown = rehearsalMarkdown(rehearsalView(rehearsal), clock, 'UTC');
    expect(markdown).toContain('| build-2 | wave 1 | old | switch failed; back on the old |');
    expect(markdown).toContain('| 1 | +0.0 s | wave 1 | build-2 | back on the old | done |');
    expect(markdown).toContain('| sign-1 | canary | new | switched |');
  });
});
