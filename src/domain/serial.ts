const HEXADECIMAL = /^[0-9A-F]{1,40}$/;

/** A serial number in one form: upper-case hexadecimal digits without leading zeros. */
export const plainSerial = (serial: string): string => serial.toUpperCase().replace(/^0+(?=.)/, '');

/**
 * A certificate's serial number as tools print it (`0x` before it, colons or spaces between its digits); null: it is none. No longer than the 20 octets
 * of RFC 5280, 4.1.2.2.
 */
export function readSerial(text: string): string | null {
  const digits = text.replaceAll(/[\s:]/g, '').replace(/^0x/i, '').toUpperCase();
  return HEXADECIMAL.test(digits) ? plainSerial(digits) : null;
}

/** What people and pages see of it. */
export const serialLast6 = (serial: string): string => serial.slice(-6);

export const isSameSerial = (one: string, other: string): boolean => plainSerial(one) === plainSerial(other);
