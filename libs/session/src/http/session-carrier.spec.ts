import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';

import { describe, expect, it } from '@jest/globals';

import { resolveSessionOptions } from '../session.options-check.js';
import type { HttpRequest } from './http-request.js';
import { createCarrier } from './session-carrier.js';
import { MALFORMED } from './session-cookie.js';

const secret = 'a secret of at least thirty-two bytes';
const TOKEN = 'A'.repeat(82);

const cookies = createCarrier(resolveSessionOptions({ secret }));
const bearer = createCarrier(resolveSessionOptions({ secret, carrier: 'bearer' }));

function requestWith(...lines: readonly [name: string, value: string][]): HttpRequest {
  const headers = Object.fromEntries(lines.map(([name, value]) => [name.toLowerCase(), value]));
  return { headers, rawHeaders: lines.flat() } as unknown as HttpRequest;
}

function responseWith(setCookie: string | string[] | undefined): ServerResponse {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  if (setCookie !== undefined) response.setHeader('Set-Cookie', setCookie);
  return response;
}

describe('the cookie carrier', () => {
  it('reads the cookie and nothing else', () => {
    const bearerOnly = requestWith(['Authorization', `Bearer ${TOKEN}`]);
    expect(cookies.read(bearerOnly)).toBeUndefined();
    expect(cookies.read(requestWith(['Cookie', `__Host-Http-id=${TOKEN}`]))).toBe(TOKEN);
  });

  it.each([
    ['none', undefined, []],
    ['one of the application', 'theme=dark', ['theme=dark']],
    ['several', ['theme=dark', 'lang=en'], ['theme=dark', 'lang=en']],
    ['an earlier one of its own', ['__Host-Http-id=old; Path=/', 'lang=en'], ['lang=en']],
  ])('sends one line of its name beside %s', (_, existing, kept) => {
    const response = responseWith(existing);
    cookies.give(response, TOKEN, null);
    cookies.take(response);
    cookies.give(response, TOKEN, 60_000);
    expect(response.getHeader('Set-Cookie')).toEqual([
      ...kept,
      `__Host-Http-id=${TOKEN}; Max-Age=60; Path=/; HttpOnly; Secure; SameSite=Lax`,
    ]);
  });
});

describe('the bearer carrier', () => {
  it.each([
    ['no header', [], undefined],
    ['a token', [['Authorization', `Bearer ${TOKEN}`]], TOKEN],
    ['a scheme in another case', [['authorization', `bEaReR ${TOKEN}`]], TOKEN],
    ['another scheme', [['Authorization', `Basic ${TOKEN}`]], undefined],
    ['a cookie', [['Cookie', `__Host-Http-id=${TOKEN}`]], undefined],
    ['two blanks', [['Authorization', `Bearer  ${TOKEN}`]], MALFORMED],
    ['a scheme alone', [['Authorization', 'Bearer']], MALFORMED],
    ['a second token', [['Authorization', `Bearer ${TOKEN} ${TOKEN}`]], MALFORMED],
    ['a list', [['Authorization', `Bearer ${TOKEN}, Bearer ${TOKEN}`]], MALFORMED],
    ['a list without blanks', [['Authorization', `Bearer ${TOKEN},x`]], `${TOKEN},x`],
    [
      'two headers',
      [
        ['Authorization', `Bearer ${TOKEN}`],
        ['AUTHORIZATION', 'Bearer x'],
      ],
      MALFORMED,
    ],
    [
      'two equal headers',
      [
        ['Authorization', `Bearer ${TOKEN}`],
        ['Authorization', `Bearer ${TOKEN}`],
      ],
      MALFORMED,
    ],
  ] as [string, [string, string][], string | undefined][])(
    'reads in %s what is there',
    (_, lines, expected) => {
      expect(bearer.read(requestWith(...lines))).toBe(expected);
    },
  );

  it('hands tokens out in a header, sets no cookie and takes nothing back', () => {
    const response = responseWith(undefined);
    bearer.give(response, TOKEN, 60_000);
    bearer.take(response);
    expect(response.getHeaders()).toEqual({ 'session-token': TOKEN });
  });
});
