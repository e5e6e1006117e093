import { parse, type PlistValue } from 'plist';

/** Deepest nesting; Apple's profiles nest six deep. */
const DEEPEST = 64;
const COLLECTIONS = ['plist', 'dict', 'array'] as const;
const LEAVES = ['key', 'string', 'integer', 'real', 'data', 'date', 'true', 'false'] as const;
/** Apple's PropertyList-1.0.dtd: only the root has an attribute. */
const TAG = /<(\/?)([a-z]+)((?: version="[0-9.]{1,8}")?)\s*(\/?)>/y;
const DECLARATION = /<\?xml version="1\.[01]"(?: encoding="(?:UTF-8|utf-8)")?(?: standalone="(?:yes|no)")?\s*\?>/y;
/** Without declarations of its own, in which entities would be. */
const DOCTYPE = /<!DOCTYPE plist(?: (?:PUBLIC "[A-Za-z0-9 '()+,./:=?;!*#@$_%-]*"|SYSTEM) "[^"<>&[\]]*")?\s*>/y;
const REFERENCE = /&(?:amp|lt|gt|quot|apos|#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6}));/y;
/** What XML 1.0 has no place for (2.2), and what stands where bytes were no UTF-8. */
const NO_CHARACTER =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffd-\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/**
 * Reads an XML property list as Apple writes it. The library behind it takes whatever is nearly XML, says so on the console, and goes down a stack as
 * deep as the text nests: so the text is held first, without recursion, against the few things that a property list is made of.
 * @throws Error saying what is there that no property list has
 */
export function parseXmlPropertyList(text: string): PlistValue {
  checkForm(text);
  return parse(text);
}

function checkForm(text: string): void {
  if (NO_CHARACTER.test(text)) throw new Error('it holds a character that XML has no place for, or bytes that are no UTF-8');
  /** Names of the elements that are open. */
  const open: string[] = [];
  let state: 'before' | 'inside' | 'after' = 'before';
  for (let at = text.startsWith('\ufeff') ? 1 : 0; at < text.length;) {
    const inLeaf = open.length > 0 && isLeaf(open.at(-1));
    if (text[at] !== '<') at = checkText(text, at, inLeaf);
    else if (text.startsWith('<!--', at)) at = checkComment(text, at);
    else if (inLeaf && text.startsWith('<![CDATA[', at)) at = endOf(text, ']]>', at);
    else if (state === 'before' && text.startsWith('<?xml', at)) at = matching(DECLARATION, text, at);
    else if (state === 'before' && text.startsWith('<!DOCTYPE', at)) at = matching(DOCTYPE, text, at);
    else {
      at = checkTag(text, at, open);
      if (state === 'after') throw new Error('something follows the property list');
      state = open.length === 0 ? 'after' : 'inside';
    }
  }
  if (state !== 'after') throw new Error('its XML ends before it should');
}

const isLeaf = (name: string | undefined): boolean => LEAVES.some((one) => one === name);
const isCollection = (name: string | undefined): boolean => COLLECTIONS.some((one) => one === name);

function checkTag(text: string, at: number, open: string[]): number {
  TAG.lastIndex = at;
  const [whole = '', closes, name = '', version, empty] = TAG.exec(text) ?? [];
  if (whole === '' || !(isLeaf(name) || isCollection(name)) || (version !== '' && (name !== 'plist' || closes === '/')))
    throw new Error(`its XML has ${JSON.stringify(text.slice(at, at + 20))}, which is in no property list`);
  if (closes === '/') {
    if (empty === '/' || open.pop() !== name) throw new Error(`its XML ends ${name} where something else is open`);
    return at + whole.length;
  }
  if ((name === 'plist') !== (open.length === 0) || isLeaf(open.at(-1))) throw new Error(`its XML has ${name} where none may be`);
  if (open.length >= DEEPEST) throw new Error(`it nests more than ${DEEPEST} levels deep`);
  open.push(name);
  if (empty === '/') open.pop();
  return at + whole.length;
}

/** Up to the next markup. @returns where that begins */
function checkText(text: string, at: number, inLeaf: boolean): number {
  const next = text.indexOf('<', at);
  const end = next < 0 ? text.length : next;
  const piece = text.slice(at, end);
  if (!inLeaf) {
    if (piece.trim() !== '') throw new Error('its XML has text where only values may be');
    return end;
  }
  if (piece.includes(']]>')) throw new Error('its XML has ]]> in a text');
  for (let reference = piece.indexOf('&'); reference >= 0; reference = piece.indexOf('&', reference + 1)) {
    REFERENCE.lastIndex = reference;
    const found = REFERENCE.exec(piece);
    if (found === null || !isCharacter(found[1], found[2])) throw new Error('its XML refers to an entity that property lists do not have');
  }
  return end;
}

function isCharacter(decimal: string | undefined, hexadecimal: string | undefined): boolean {
  if (decimal === undefined && hexadecimal === undefined) return true;
  const point = decimal === undefined ? parseInt(hexadecimal ?? '', 16) : Number(decimal);
  return point <= 0x10ffff && !NO_CHARACTER.test(String.fromCodePoint(point));
}

function checkComment(text: string, at: number): number {
  const end = endOf(text, '-->', at + 4);
  if (text.slice(at + 4, end - 3).includes('--')) throw new Error('its XML has a comment in a comment');
  return end;
}

/** Behind what stands at `at` before the list itself. */
function matching(form: RegExp, text: string, at: number): number {
  form.lastIndex = at;
  if (!form.test(text)) throw new Error('its XML begins in another way than a property list, or declares entities of its own');
  return form.lastIndex;
}

/** Behind the next `mark`. */
function endOf(text: string, mark: string, at: number): number {
  const found = text.indexOf(mark, at);
  if (found < 0) throw new Error('its XML ends before it should');
  return found + mark.length;
}
