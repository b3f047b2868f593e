import { describe, expect, it } from '@jest/globals';

import { describeUserAgent } from './user-agent-description.js';

const CHROME = 'AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36';

describe('describeUserAgent', () => {
  it.each([
    [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${CHROME}`, 'Chrome on Windows', 'desktop'],
    [
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${CHROME} Edg/126.0.0.0`,
      'Microsoft Edge on Windows',
      'desktop',
    ],
    [
      'Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0',
      'Firefox on Linux',
      'desktop',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
      'Safari on iOS',
      'mobile',
    ],
    [
      'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
      'Googlebot',
      'bot',
    ],
  ])('reads %p', (userAgent, label, kind) => {
    expect(describeUserAgent(userAgent)).toMatchObject({ label, kind });
  });

  it('names browser and system apart', () => {
    const description = describeUserAgent(`Mozilla/5.0 (Linux; Android 10; K) ${CHROME}`);
    expect(description).toMatchObject({ browser: 'Chrome', os: 'Android' });
  });

  it.each([null, ''])('has a label for %p', (userAgent) => {
    expect(describeUserAgent(userAgent)).toEqual({
      browser: null,
      os: null,
      kind: null,
      label: 'Unknown device',
    });
  });

  it('shows the beginning of what nobody knows', () => {
    expect(describeUserAgent('acme-sync/3.1')).toEqual({
      browser: null,
      os: null,
      kind: null,
      label: 'acme-sync/3.1',
    });
    expect(describeUserAgent('x'.repeat(512)).label).toHaveLength(60);
  });

  it.each([
    ['an open bracket', '('],
    ['many of them', '('.repeat(512)],
    ['slashes', '/'.repeat(512)],
    ['a backslash', '\\'],
    ['a NUL', '\u0000'],
    ['half a version, many times', 'Version/ '.repeat(56)],
  ])('survives %s', (_, userAgent) => {
    expect(describeUserAgent(userAgent).label.length).toBeGreaterThan(0);
  });
});
