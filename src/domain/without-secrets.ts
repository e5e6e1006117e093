/** What is put in a secret's place. */
const LEFT_OUT = '[left out]';

/**
 * Secrets that can be told by their form alone, wherever they have come from: what an outside program or a library says of its trouble may quote them.
 * Sources: RFC 7468 (PEM), age-encryption.org/v1, RFC 6750 (Bearer), RFC 7515 (JWS), RFC 3986 (userinfo), Slack's incoming webhooks, AWS SigV4 queries.
 */
const FORMS: readonly (readonly [form: RegExp, shown: string])[] = [
  // Whole, cut off, or with its line breaks escaped in JSON.
  [/-----BEGIN ([A-Z0-9 ]{0,40})PRIVATE KEY-----[\s\S]*?(?:-----END \1PRIVATE KEY-----|$)/g, `-----BEGIN $1PRIVATE KEY----- ${LEFT_OUT}`],
  [/AGE-SECRET-KEY-[A-Z0-9-]{1,20}1[A-Z0-9]+|AGE-SECRET-KEY-1[A-Z0-9]+/gi, `AGE-SECRET-KEY-1 ${LEFT_OUT}`],
  [/\b(Bearer|Basic)(\s+)(?!TOKEN\b)[A-Za-z0-9._~+/=-]{8,}/gi, `$1$2${LEFT_OUT}`],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, LEFT_OUT],
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/:@'"]*:[^\s/@'"]+@/gi, `$1${LEFT_OUT}@`],
  [/\bhttps:\/\/hooks\.slack\.com\/(?:services|workflows)\/[^\s'"]+/gi, `https://hooks.slack.com/${LEFT_OUT}`],
  [/\b(X-Amz-(?:Signature|Security-Token)=)[^\s&'"]+/gi, `$1${LEFT_OUT}`],
];

/** A text without private keys, tokens and passwords in addresses, as far as their form tells them. */
export const withoutSecrets = (text: string): string => FORMS.reduce((left, [form, shown]) => left.replace(form, shown), text);
