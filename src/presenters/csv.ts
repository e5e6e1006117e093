/** A cell for a spreadsheet: what begins like a formula is quoted as a text, and quotes are doubled (RFC 4180). */
export const csvCell = (text: string): string => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
