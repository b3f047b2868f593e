import { describe, expect, it } from '@jest/globals';

import { foreignOrigin, type ForeignOrigin } from './cross-origin.js';
import type { HttpRequest } from './http-request.js';

const TRUSTED = ['https://admin.example.org'];
const UNSAFE = ['POST', 'PUT', 'PATCH', 'DELETE', 'QUERY'];

function judge(
  headers: Record<string, string>,
  { method = 'POST', protocol = 'https', host = 'app.example.org' } = {},
): ForeignOrigin | null {
  const request = { method, headers, protocol, host } as unknown as HttpRequest;
  return foreignOrigin({ request, isOverSocket: false }, TRUSTED);
}

describe('foreignOrigin', () => {
  it.each(['GET', 'HEAD', 'OPTIONS', 'TRACE'])('lets %s pass whatever its origin', (method) => {
    expect(
      judge({ 'sec-fetch-site': 'cross-site', origin: 'https://evil.test' }, { method }),
    ).toBeNull();
  });

  describe.each(UNSAFE)('%s', (method) => {
    it.each([
      ['same-origin', null],
      ['none', null],
      ['same-site', 'same-site'],
      ['cross-site', 'cross-site'],
    ])('with Sec-Fetch-Site %s is judged by that, not by Origin', (site, expected) => {
      for (const origin of ['https://app.example.org', 'https://evil.test', 'null']) {
        expect(judge({ 'sec-fetch-site': site, origin }, { method })).toBe(expected);
      }
    });

    it.each([
      ['the own origin', 'https://app.example.org', null],
      ['a trusted one', 'https://admin.example.org', null],
      ['null', 'null', 'other-origin'],
      ['another host', 'https://evil.test', 'other-origin'],
      ['a subdomain', 'https://x.app.example.org', 'other-origin'],
      ['the own name as a prefix', 'https://app.example.org.evil.test', 'other-origin'],
      ['the own name as a suffix', 'https://evilapp.example.org', 'other-origin'],
      ['another scheme', 'http://app.example.org', 'other-origin'],
      ['another port', 'https://app.example.org:8443', 'other-origin'],
      ['an empty one', '', 'other-origin'],
    ])('without Sec-Fetch-Site is judged by Origin: %s', (_, origin, expected) => {
      expect(judge({ origin }, { method })).toBe(expected);
      expect(judge({ origin, 'sec-fetch-site': 'of the future' }, { method })).toBe(expected);
    });

    it('with neither header passes: no browser sent it', () => {
      expect(judge({}, { method })).toBeNull();
    });
  });

  it('lets a trusted origin pass though it is cross-site', () => {
    expect(
      judge({ 'sec-fetch-site': 'cross-site', origin: 'https://admin.example.org' }),
    ).toBeNull();
  });

  it('takes scheme and port from the request', () => {
    const local = { protocol: 'http', host: 'localhost:3000' };
    expect(judge({ origin: 'http://localhost:3000' }, local)).toBeNull();
    expect(judge({ origin: 'http://localhost' }, local)).toBe('other-origin');
    expect(
      judge({ origin: 'https://app.example.org' }, { host: 'app.example.org:443' }),
    ).toBeNull();
    expect(judge({ origin: 'https://app.example.org' }, { host: 'APP.example.org' })).toBeNull();
  });

  it.each(['', 'a b', 'evil.test/https://app.example.org', '@'])(
    'denies where the host %j is none',
    (host) => {
      expect(judge({ origin: 'https://app.example.org' }, { host })).toBe('other-origin');
    },
  );
});
