import { headline, preamble, rehearsalSections, type Clock, type Section } from './rehearsal-sections.js';
import type { RehearsalView } from './rehearsal.js';

/** The report as a document that goes into a ticket. */
export function rehearsalMarkdown(view: RehearsalView, clock: Clock, zone: string): string {
  const title = `# Rehearsal of ${view.line}, ${view.at.slice(0, 10)}`;
  const times = `Times are local (${zone}); distances are from ${view.rehearsedAt.slice(0, 16).replace('T', ' ')} UTC, when this was rehearsed.`;
  const blocks = [
    title,
    `**${escaped(headline(view))}**`,
    ...preamble(view, clock).map(escaped),
    times,
    ...rehearsalSections(view, clock).map(sectionOf),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function sectionOf({ title, says, table }: Section): string {
  const rows =
    table === null
      ? []
      : [
          [
            `| ${table.heading.map(cell).join(' | ')} |`,
            `| ${table.heading.map(() => '---').join(' | ')} |`,
            ...table.rows.map((row) => `| ${row.map(cell).join(' | ')} |`),
          ].join('\n'),
        ];
  return [`## ${escaped(title)}`, ...says.map(escaped), ...rows].join('\n\n');
}

/** What means something in Markdown, or to HTML, is shown as it is. */
const escaped = (text: string): string => text.replace(/[\\`*_<>[\]]/g, '\\$&').replaceAll('\n', ' ');
const cell = (text: string): string => escaped(text).replaceAll('|', '\\|');
