import { fine, wrong, type Finding } from './finding.js';
import { brief } from './identities.js';
import type { ComparedNode, TriageInput } from './input.js';

const about = (check: string, subject: string) => ({ stage: 'nodes', check, subject }) as const;

/** Judged among the identities, which come before. */
const ELSEWHERE = ['identity summary', 'usable identities'];

/** A failing node beside one that passes: what they differ in, and what the failing one's own checks say (locked keychains among it). */
export function judgeNodes({ nodes }: TriageInput): readonly Finding[] {
  if (nodes === null) return [];
  const { failing, passing, differences } = nodes;
  const problems = [
    ...ofNode(failing, 'fail'),
    ...ofNode(passing, 'warn'),
    ...differences.filter(({ what }) => !ELSEWHERE.includes(what)).map(different),
  ];
  return problems.length > 0
    ? problems
    : [fine(about('nodes-alike', failing.name), `${failing.name} and ${passing.name} differ in nothing that builds depend on`)];

  function different({ line, what, one, other }: (typeof differences)[number]): Finding {
    const remedy =
      what === 'active manifest' && one !== '-' && other !== '-'
        ? `See what the manifests differ in: reseal manifest diff ${brief(one)} ${brief(other)} (whole digests: reseal node diff)`
        : `reseal node inspect ${failing.name} says more`;
    return wrong(
      about('nodes-differ', failing.name),
      'fail',
      `${what}${line === '' ? '' : ` on ${line}`}: ${brief(one)} on ${failing.name}, ${brief(other)} on ${passing.name}`,
      remedy,
      'S2',
    );
  }
}

function ofNode({ name, lines }: ComparedNode, verdict: 'warn' | 'fail'): readonly Finding[] {
  return lines.flatMap(({ line, verdict: probed, reason, problems }) => [
    ...(probed === 'unreachable'
      ? [
          wrong(
            about('node-unreachable', name),
            verdict,
            `${line}: ${reason || 'it does not answer'}`,
            'reseal doctor says who should serve it',
            'S2',
          ),
        ]
      : []),
    ...problems.map((one) =>
      wrong(about(one.check, name), verdict, `${line}: ${one.reason}`, `reseal node probe ${name} shows all of its checks`, 'S2'),
    ),
  ]);
}
