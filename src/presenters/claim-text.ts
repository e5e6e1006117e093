import { shortDigest } from './digest.js';
import type { ClaimCompletionView, ClaimKeyView, ClaimShowView, ClaimStandingView, SigningView } from './claim.js';
import type { Pen } from './rotation-text.js';

export const keyText = ({ artifact, bundleId, method }: ClaimKeyView): string => `${bundleId} for ${method} from ${shortDigest(artifact)}`;

function signingLines(signing: SigningView, pen: Pen, now: number): string[] {
  return [
    `  signed    ${signing.signed}`,
    ...(signing.location === null ? [] : [`  where     ${signing.location}`]),
    `  manifest  ${signing.manifest}`,
    `  by        ${signing.holder}, job ${signing.job}, under ${signing.ticket}`,
    `  at        ${pen.time(Date.parse(signing.completedAt), now)}`,
  ];
}

export function standingText(view: ClaimStandingView, pen: Pen, now: number): string[] {
  const what = pen.styled(keyText(view.key), 'bold');
  if (view.signing !== null) return [`${what} is signed already; use that one:`, ...signingLines(view.signing, pen, now)];
  if (view.heldBy !== null)
    return [
      `${what} is being signed by ${view.heldBy.holder}, job ${view.heldBy.job}, until ${pen.time(Date.parse(view.heldBy.until), now)}`,
    ];
  return [
    `${what} is yours to sign`,
    `  token     ${view.token ?? ''}`,
    `  until     ${view.until === null ? '-' : pen.time(Date.parse(view.until), now)}`,
  ];
}

export const completionText = ({ key, signing }: ClaimCompletionView, pen: Pen, now: number): string[] => [
  `${pen.styled(keyText(key), 'bold')} is signed`,
  ...signingLines(signing, pen, now),
];

export function showText({ key, held, signings }: ClaimShowView, pen: Pen, now: number): string[] {
  const what = pen.styled(keyText(key), 'bold');
  const last = signings.at(-1);
  const lines =
    last === undefined
      ? [`${what} is not signed`]
      : [
          `${what} is signed${signings.length > 1 ? `, ${signings.length} times; the last one counts` : ''}`,
          ...signingLines(last, pen, now),
        ];
  const earlier = signings.slice(0, -1);
  return [
    ...lines,
    ...(earlier.length === 0 ? [] : ['', 'earlier:', ...earlier.flatMap((signing) => signingLines(signing, pen, now))]),
    held === null
      ? 'nobody holds the claim'
      : `claimed by ${held.holder}, job ${held.job}, under ${held.ticket}, until ${pen.time(Date.parse(held.until), now)}`,
  ];
}
