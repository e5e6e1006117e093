import { describeDuration } from '../domain/duration.js';
import type { AdviceView } from './advice.js';
import type { Pen } from './rotation-text.js';

const item = (sentence: string): string => `  - ${sentence}`;

/** How the question was understood, each number beside where it comes from. */
function askedText({ asked, telemetry, bands }: AdviceView, pen: Pen): string[] {
  const source = telemetry?.source ?? '';
  const row = (axis: 'team' | 'compliance' | 'cadence'): string[] => {
    const { band, because, from } = asked[axis];
    return [axis, band, because, from === 'given' ? 'the command line' : source];
  };
  const wait = telemetry?.signingQueueWait;
  const measured = (median: number, p95: number): string =>
    `median ${describeDuration(median)}, 95th percentile ${describeDuration(p95)} (up to ${describeDuration(bands.signingQueueWait)})`;
  return pen.table(
    ['', 'BAND', 'BECAUSE', 'FROM'],
    [
      row('team'),
      row('compliance'),
      row('cadence'),
      ...(wait === undefined
        ? []
        : [['queue', wait.p95 > bands.signingQueueWait ? 'too long' : 'short', measured(wait.median, wait.p95), source]]),
    ],
  );
}

function bandsText({ telemetry, bands }: AdviceView): string {
  const { mid, platform } = bands.teamSize;
  const { weekly, daily, continuous } = bands.releasesPerWeek;
  const whose = bands.own ? `from ${telemetry?.source ?? ''}` : 'for planning; --telemetry brings your own';
  return `Bands (${whose}): mid from ${mid} people, platform from ${platform}; weekly from ${weekly} a week, daily from ${daily}, continuous from ${continuous}.`;
}

export function adviceText(view: AdviceView, pen: Pen): string[] {
  const { advice } = view;
  return [
    `${pen.styled(advice.title, 'bold')}: the first stable topology for you${advice.exact ? '' : ', the nearest of the planning rows'}`,
    '',
    ...askedText(view, pen),
    bandsText(view),
    '',
    pen.styled('Why', 'bold'),
    ...advice.reasons.map(item),
    '',
    pen.styled('What it means', 'bold'),
    ...advice.means.map(item),
    ...(advice.additions.length === 0 ? [] : ['', pen.styled('What to add', 'bold'), ...advice.additions.map(item)]),
    '',
    ...pen.table(
      ['TRADE-OFF', 'DEDICATED SIGNER', 'SHARED .P12, PER-RUNNER SPRAWL', 'CONTROLLED DISTRIBUTION'],
      view.tradeOffs.map((one) => [one.of, one.dedicatedSigner, one.sprawl, one.controlledDistribution]),
    ),
    advice.beside,
    '',
    pen.styled('Leave alone', 'bold'),
    ...view.antiPatterns.map(({ name, why, check }) => item(`${name}: ${why}${check === null ? '' : ` (topology check: ${check})`}`)),
    '',
    pen.styled('# topology.yaml, to begin with; names of stores, sources and persons are those of reseal.yaml and roster.yaml', 'dim'),
    view.topologyYaml.trimEnd(),
  ];
}
