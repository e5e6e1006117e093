import { childrenOf, oidHex, type Der } from '../mac/der.js';

/**
 * The fields of one DER structure, taken in their order. Whatever is not what the standard has in that place is refused, and so
 * is what is left over: nothing in the structure stays unread.
 */
export class Fields {
  readonly #name: string;
  readonly #left: Der[];

  /** @throws Error where the value has another tag. @param name of the structure, for errors */
  constructor(value: Der, tag: number, name: string) {
    if (value.tag !== tag) throw new Error(`${name} has the tag ${hex(value.tag)}, not ${hex(tag)}`);
    this.#name = name;
    this.#left = [...childrenOf(value)];
  }

  /** @throws Error where the next field has another tag, or where there is none */
  next(tag: number): Der {
    const found = this.nextIf(tag);
    if (found !== null) return found;
    const instead = this.#left[0];
    throw new Error(
      `${this.#name} has ${instead === undefined ? 'no field' : `a field ${hex(instead.tag)}`} in the place of one ${hex(tag)}`,
    );
  }

  /** The next field where it has this tag; null, and nothing is taken, where it has not. */
  nextIf(tag: number): Der | null {
    return this.#left[0]?.tag === tag ? (this.#left.shift() ?? null) : null;
  }

  /** All that is left, whatever its tags. */
  rest(): readonly Der[] {
    return this.#left.splice(0);
  }

  /** @throws Error where something is left */
  end(): void {
    const [extra] = this.#left;
    if (extra !== undefined) throw new Error(`${this.#name} has a field ${hex(extra.tag)} too many`);
  }
}

/** An object identifier, dotted (X.690, 8.19). @throws Error where it is none, or not in its shortest form */
export function objectIdentifier(value: Der): string {
  const { content } = value;
  if (oidHex(value) === '' || ((content.at(-1) ?? 0x80) & 0x80) !== 0) throw new Error('an object identifier is damaged');
  const arcs: bigint[] = [];
  let arc = 0n;
  let begins = true;
  for (const byte of content) {
    if (begins && byte === 0x80) throw new Error('an object identifier is damaged');
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    begins = (byte & 0x80) === 0;
    if (begins) arcs.push(arc);
    if (begins) arc = 0n;
  }
  const [both = 0n, ...others] = arcs;
  const top = both < 80n ? both / 40n : 2n;
  return [top, both - top * 40n, ...others].join('.');
}

/** The content of an INTEGER, two's complement. @throws Error where it is not in its shortest form (X.690, 8.3.2) */
export function integer({ content }: Der): Uint8Array {
  const [first, second] = content;
  const padded = second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (first === undefined || padded) throw new Error('an integer is damaged');
  return content;
}

const hex = (tag: number): string => `0x${tag.toString(16).padStart(2, '0')}`;
