import { posix } from 'node:path';
import { targetIdentifier } from '../domain/settings.js';

/** What Xcode does to a value after a colon: `$(PRODUCT_NAME:rfc1034identifier)`. Source: swift-build, MacroEvaluationProgram. */
const OPERATORS: Readonly<Record<string, (value: string) => string>> = {
  identifier: targetIdentifier,
  c99extidentifier: targetIdentifier,
  rfc1034identifier: (value) => value.normalize('NFD').replace(/[^A-Za-z0-9.-]/gu, '-'),
  bundleidentifier: (value) => value.normalize('NFD').replace(/[^A-Za-z0-9.-]/gu, '-'),
  lower: (value) => value.toLowerCase(),
  upper: (value) => value.toUpperCase(),
  base: (value) => posix.basename(value, posix.extname(value)),
  file: (value) => posix.basename(value),
  dir: (value) => posix.dirname(value),
  suffix: (value) => posix.extname(value),
  standardizepath: (value) => posix.normalize(value),
};

/** In their order; one that is not known changes nothing, as in Xcode. */
export function applyOperators(value: string, operators: readonly string[]): string {
  return operators.reduce((text, operator) => {
    if (operator.startsWith('default=')) return text === '' ? operator.slice('default='.length) : text;
    return OPERATORS[operator]?.(text) ?? text;
  }, value);
}
