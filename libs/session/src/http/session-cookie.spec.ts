import { describe, expect, it } from '@jest/globals';
import { parseSetCookie } from 'cookie';
import fc from 'fast-check';

import { days, hours } from '../core/duration.js';
import { MALFORMED, SessionCookie } from './session-cookie.js';

const DEFAULTS = {
  name: 'id',
  domain: undefined,
  path: '/',
  sameSite: 'lax',
  secure: true,
} as const;
const NAME = '__Host-Http-id';
const TOKEN = 'A'.repeat(82);

const cookie = new SessionCookie(DEFAULTS);

describe('SessionCookie', () => {
  it.each([
    [{}, '__Host-Http-id'],
    [{ domain: 'example.org' }, '__Secure-id'],
    [{ path: '/app' }, '__Secure-id'],
    [{ secure: false }, 'id'],
    [{ secure: false, domain: 'example.org' }, 'id'],
  ])('takes the strongest prefix that %j allows: %s', (options, name) => {
    expect(new SessionCookie({ ...DEFAULTS, ...options }).name).toBe(name);
  });

  it('ends with the browser unless a lifetime is given', () => {
    expect(cookie.set(TOKEN, null)).toBe(
      `${NAME}=${TOKEN}; Path=/; HttpOnly; Secure; SameSite=Lax`,
    );
  });

  it('writes a lifetime in whole seconds, rounded down', () => {
    expect(parseSetCookie(cookie.set(TOKEN, 59_999)).maxAge).toBe(59);
    expect(parseSetCookie(cookie.set(TOKEN, days(30))).maxAge).toBe(30 * 24 * 3600);
    expect(parseSetCookie(cookie.set(TOKEN, -1)).maxAge).toBe(0);
  });

  it.each([
    {},
    { domain: 'example.org', path: '/app', sameSite: 'strict' as const },
    { sameSite: 'none' as const },
    { secure: false },
  ])('clears with the attributes that set it (%j)', (options) => {
    const variant = new SessionCookie({ ...DEFAULTS, ...options });
    const { value, maxAge, ...attributes } = parseSetCookie(variant.clear());
    const { value: given, maxAge: _, ...expected } = parseSetCookie(variant.set(TOKEN, hours(1)));
    expect([value, maxAge, given]).toEqual(['', 0, TOKEN]);
    expect(attributes).toEqual(expected);
  });

  it('stays far below the 4,096 bytes that browsers keep', () => {
    const longest = new SessionCookie({ ...DEFAULTS, name: 'n'.repeat(64) });
    expect(longest.set(TOKEN, days(400)).length).toBeLessThan(256);
  });
});

describe('reading the cookie', () => {
  it.each([
    ['no header', undefined, undefined],
    ['an empty header', '', undefined],
    ['the cookie alone', `${NAME}=${TOKEN}`, TOKEN],
    ['the cookie among others', `a=1; ${NAME}=${TOKEN}; b=2`, TOKEN],
    ['a separator without a blank', `a=1;${NAME}=${TOKEN}`, TOKEN],
    ['a tab for a blank', `a=1;\t${NAME}=${TOKEN}`, TOKEN],
    ['only other cookies', 'a=1; b=2', undefined],
    ['an empty value', `${NAME}=`, ''],
    ['a value with an equals sign, whole', `${NAME}=a=b`, 'a=b'],
    ['a quoted value, quotes and all', `${NAME}="${TOKEN}"`, `"${TOKEN}"`],
    ['an encoded value, undecoded', `${NAME}=%41${TOKEN.slice(1)}`, `%41${TOKEN.slice(1)}`],
    ['a blank after the value', `${NAME}=${TOKEN} ; b=2`, `${TOKEN} `],
    ['the same value twice', `${NAME}=${TOKEN}; ${NAME}=${TOKEN}`, TOKEN],
    ['two values', `${NAME}=${TOKEN}; ${NAME}=B`, MALFORMED],
    ['two values, the second empty', `${NAME}=${TOKEN}; ${NAME}=`, MALFORMED],
    ['two values with others between', `${NAME}=B; a=1; ${NAME}=${TOKEN}`, MALFORMED],
  ])('finds in %s what is there', (_, header, expected) => {
    expect(cookie.read(header)).toBe(expected);
  });

  // E-02, E-16 to E-21 of the checklist: names that other parsers have taken for the prefixed one.
  it.each([
    ['another case', `__HOST-Http-id=${TOKEN}`],
    ['lower case', `__host-http-id=${TOKEN}`],
    ['a percent-encoded name', `__%48ost-Http-id=${TOKEN}`],
    ['a nameless cookie', `=${NAME}=${TOKEN}`],
    ['a name without a value', NAME],
    ['a blank before the equals sign', `${NAME} =${TOKEN}`],
    ['a no-break space before the name', `\u00a0${NAME}=${TOKEN}`],
    ['the bytes of a no-break space', `\u00c2\u00a0${NAME}=${TOKEN}`],
    ['the bytes of a byte order mark', `\u00ef\u00bb\u00bf${NAME}=${TOKEN}`],
    ['the bytes of an en quad', `\u00e2\u0080\u0080${NAME}=${TOKEN}`],
    ['a next-line character', `\u0085${NAME}=${TOKEN}`],
    ['a no-break space after the name', `${NAME}\u00a0=${TOKEN}`],
    ['a longer name', `${NAME}x=${TOKEN}`],
    ['a shorter name', `${NAME.slice(0, -1)}=${TOKEN}`],
    ['the name inside a value', `a="b${NAME}=${TOKEN}"`],
    ['the name inside a value after a comma', `a=b, ${NAME}=${TOKEN}`],
    ['legacy attributes', `$Version=1; $${NAME}=${TOKEN}`],
    ['names of the object prototype', '__proto__=1; constructor=2; hasOwnProperty=3'],
  ])('does not find the cookie in %s', (_, header) => {
    expect(cookie.read(header)).toBeUndefined();
  });

  it('prefers the exact name beside one in another case', () => {
    expect(cookie.read(`__HOST-Http-id=evil; ${NAME}=${TOKEN}`)).toBe(TOKEN);
  });

  it('reads in any header what a plain split into pairs reads', () => {
    const piece = fc.oneof(
      fc.constantFrom(NAME, `${NAME}=`, '=', ';', '; ', ' ', '\t', '"', ',', '%', TOKEN, 'a=1'),
      fc.string({ unit: 'binary', maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const header = pieces.join('');
        const values = header
          .split(';')
          .map((pair) => pair.replace(/^[ \t]+/, ''))
          .filter((pair) => pair.startsWith(`${NAME}=`))
          .map((pair) => pair.slice(NAME.length + 1));
        const expected = new Set(values).size > 1 ? MALFORMED : values[0];
        expect(cookie.read(header)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes time in proportion to the header', () => {
    const secondsFor = (repeats: number): number => {
      const header = `${'a=;'.repeat(repeats)}${' '.repeat(repeats)}${NAME}=${TOKEN}`;
      const from = performance.now();
      for (let round = 0; round < 20; round += 1) cookie.read(header);
      return performance.now() - from;
    };
    secondsFor(5_000);
    const ratio = secondsFor(160_000) / secondsFor(20_000);
    expect(ratio).toBeLessThan(40);
  });
});
