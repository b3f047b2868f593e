import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';

import { describe, expect, it } from '@jest/globals';

import { resolveSessionOptions } from '../session.options-check.js';
import { createCarrier } from './session-carrier.js';
import { SessionResponse } from './session-response.js';

const COOKIE = '__Host-Http-id';
const carrier = createCarrier(
  resolveSessionOptions({ secret: 'a secret of at least thirty-two bytes' }),
);

function headersAfter(
  prepare: (session: SessionResponse, response: ServerResponse) => void,
  statusCode = 200,
): ReturnType<ServerResponse['getHeaders']> {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  const session = new SessionResponse(carrier);
  prepare(session, response);
  session.writeHead(response, statusCode);
  return { ...response.getHeaders() };
}

const isClear = (headers: object): boolean => String(Object.values(headers)).includes('Max-Age=0');

describe('SessionResponse', () => {
  it('adds nothing to an answer that no session was asked for', () => {
    expect(headersAfter((_, response) => response.setHeader('X-Own', '1'))).toEqual({
      'x-own': '1',
    });
  });

  it.each([
    [undefined, 'Cookie'],
    ['Accept', 'Accept, Cookie'],
    [['Accept', 'Origin'], 'Accept, Origin, Cookie'],
    ['accept, COOKIE', 'accept, COOKIE'],
    ['*', '*'],
    ['X-Cookie', 'X-Cookie, Cookie'],
  ])('makes of Vary: %s %s', (before, after) => {
    const headers = headersAfter((session, response) => {
      if (before !== undefined) response.setHeader('Vary', before);
      session.markRead();
    });
    expect(headers['vary']).toBe(after);
  });

  it.each([
    [undefined, 'no-store'],
    ['public, max-age=60', 'no-store'],
    ['private, no-cache', 'no-store'],
    ['no-store', 'no-store'],
    ['private, No-Store, no-transform', 'private, No-Store, no-transform'],
    ['must-understand, no-store', 'no-store'],
    [['public', 'max-age=60'], 'no-store'],
  ])('makes of Cache-Control: %s %s', (before, after) => {
    const headers = headersAfter((session, response) => {
      if (before !== undefined) response.setHeader('Cache-Control', before);
      session.markPrivate();
    });
    expect(headers['cache-control']).toBe(after);
  });

  it('leaves Cache-Control alone where there was no token to read', () => {
    const headers = headersAfter((session, response) => {
      response.setHeader('Cache-Control', 'public');
      session.markRead();
    });
    expect(headers).toEqual({ 'cache-control': 'public', vary: 'Cookie' });
  });

  it('sends the last word on the token', () => {
    const given = headersAfter((session) => {
      session.take({ isCourtesy: true });
      session.give('first', null);
      session.give('second', null);
    });
    expect(given['set-cookie']).toEqual([
      `${COOKIE}=second; Path=/; HttpOnly; Secure; SameSite=Lax`,
    ]);
    const taken = headersAfter((session) => {
      session.give('first', null);
      session.take({ isCourtesy: false });
    });
    expect(isClear(taken)).toBe(true);
  });

  it.each([
    [true, 200, true],
    [true, 404, true],
    [true, 500, false],
    [true, 503, false],
    [false, 500, true],
  ])('clears the cookie as a courtesy (%s) with status %d: %s', (isCourtesy, status, cleared) => {
    expect(isClear(headersAfter((session) => session.take({ isCourtesy }), status))).toBe(cleared);
  });
});
