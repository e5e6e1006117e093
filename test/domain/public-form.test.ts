import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { publicDocument, publicText } from '../../src/domain/public-form.js';
import { createOutput } from '../../src/cli/output.js';
import { PassThrough } from 'node:stream';

const hexadecimal = (least: number, most: number) => fc.stringMatching(new RegExp(`^[0-9A-F]{${least},${most}}$`));

describe('a text for everybody (S8)', () => {
  it.each([
    ['signed by 97134e8cc0e5ffe4ba55eaf5dc7b6e9c0050bc31', 'signed by …50bc31'],
    ['serial 5F2C9A0011223344AABBCCDD', 'serial …BBCCDD'],
    ['serial=5F:2C:9A:00:11:22:33:44', 'serial=…:33:44'],
    ['on 00008030-001A2D3E4F5A6B7C now', 'on …5A6B7C now'],
    ['SHA256:uNiVztksCsDhcc0u9e8BrrJXVdF3e8Vz1g9R4VZ0aBc signs', 'SHA256:…VZ0aBc signs'],
    ['Apple Development: jane.doe+ios@acme.example (9QK4T7XW2B)', 'Apple Development: …@… (9QK4T7XW2B)'],
    [`under ${'ab12'.repeat(16)}`, 'under ab12ab12ab12…'],
    ['profile 753bad01-23c2-521a-b90e-d56f6e4bb7e8 at 2026-11-29T09:14:07Z, 1764407647000', 'profile 753bad01-23c2-521a-b90e-d56f6e4bb7e8 at 2026-11-29T09:14:07Z, 1764407647000'],
    ['ams-build-1 of ios-main-7, CHG-4711', 'ams-build-1 of ios-main-7, CHG-4711'],
  ])('%s', (text, told) => expect(publicText(text)).toBe(told));

  it('holds no fingerprint, serial number, device or address, whatever stands around it', () => {
    const secret = fc.oneof(
      hexadecimal(14, 40),
      fc.tuple(hexadecimal(8, 8), hexadecimal(16, 16)).map(([a, b]) => `${a}-${b}`),
      fc.stringMatching(/^[a-z]{3,12}@[a-z]{3,12}\.example$/),
    );
    const around = fc.constantFrom('', ' ', '"', '(', ')', ', ', '\n', '=', ': ', '/', '`', '…');
    fc.assert(fc.property(around, secret, around, (before, text, after) => !publicText(`${before}${text}${after}`).includes(text)), { numRuns: 5_000 });
  });

  it('leaves numbers, names of fields and forms of documents as they are, and shortens whatever is called a serial number', () => {
    const document = { schemaVersion: 1, at: 1_764_407_647_000, certificates: { ['ab'.repeat(20)]: { serial: '5F2C9A01', note: null } }, nodes: ['ams-1'] };
    expect(publicDocument(document)).toEqual({ ...document, certificates: { '…ababab': { serial: '…2C9A01', note: null } } });
  });

  it('is what all ways of a command to say something print: text, tables, documents, progress, diagnostics', () => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const sha1 = '97134e8cc0e5ffe4ba55eaf5dc7b6e9c0050bc31';
    for (const json of [false, true]) {
      const output = createOutput({ stdout, stderr }, { json, readers: 'everybody', env: {} });
      const view = { schemaVersion: 1, sha1 };
      output.show(view, () => [sha1, ...output.table(['IDENTITY', 'NODE'], [[sha1, 'ams-1'], [{ text: sha1, style: 'bold' }, 'ams-2']])]);
      output.follow(view, () => sha1);
      output.say(sha1);
      output.progress(sha1);
      output.diagnostic(sha1);
    }
    const said = `${String(stdout.read())}${String(stderr.read())}`;
    expect([said.includes(sha1), said]).toEqual([false, expect.stringContaining('\n…50bc31   ams-1\n')]);
  });
}); // prettier-ignore
