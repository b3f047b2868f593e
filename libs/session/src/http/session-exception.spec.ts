import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';

import { describe, expect, it } from '@jest/globals';
import { HttpException } from '@nestjs/common';

import { captureLogs } from '../../../../test/support/captured-logger.js';
import { SessionError, type SessionErrorCode } from '../core/errors.js';
import { answerTo, refuse, toHttpError } from './session-exception.js';

const logs = captureLogs();

function newResponse(): ServerResponse {
  return new ServerResponse(new IncomingMessage(new Socket()));
}

function thrown(code: SessionErrorCode): HttpException {
  const error = toHttpError(new SessionError(code, 'what only the log may hold'), newResponse());
  if (error instanceof HttpException) return error;
  throw new Error('Expected an HttpException');
}

describe('toHttpError', () => {
  it.each([
    ['SESSION_ENDED', 401, 'Unauthorized', 'ended'],
    ['SESSION_CREDENTIAL_CHANGED', 401, 'Unauthorized', 'credential_changed'],
    ['SESSION_CROSS_ORIGIN', 403, 'Forbidden', 'cross_origin'],
    ['SESSION_DATA_CONFLICT', 409, 'Conflict', 'data_conflict'],
    ['SESSION_DATA_TOO_LARGE', 413, 'Payload Too Large', 'data_too_large'],
    ['SESSION_STORE_UNAVAILABLE', 503, 'Service Unavailable', 'store_unavailable'],
    ['SESSION_CONTEXT_MISSING', 500, 'Internal Server Error', undefined],
  ] as const)(
    'answers %s with %d, its code, a reason and nothing of its message',
    (code, statusCode, error, reason) => {
      const exception = thrown(code);
      expect(exception.getStatus()).toBe(statusCode);
      expect(exception.getResponse()).toEqual({
        statusCode,
        error,
        code,
        ...(reason !== undefined && { reason }),
      });
      expect(exception.cause).toBeInstanceOf(SessionError);
    },
  );

  it('leaves other errors alone', () => {
    const error = new Error('of the application');
    expect(toHttpError(error, newResponse())).toBe(error);
  });
});

describe('answerTo', () => {
  it('asks to come back where the store is down, and only there', () => {
    const [down, other] = [newResponse(), newResponse()];
    answerTo(new SessionError('SESSION_STORE_UNAVAILABLE', 'down'), down);
    answerTo(new SessionError('SESSION_ENDED', 'over'), other);
    expect([down.getHeaders(), other.getHeaders()]).toEqual([{ 'retry-after': '1' }, {}]);
  });

  it('logs what is no refusal, as nobody else will', () => {
    logs.length = 0;
    answerTo(new SessionError('SESSION_ENDED', 'a refusal'), newResponse());
    expect(answerTo(new Error('a fault'), newResponse())).toEqual({
      statusCode: 500,
      error: 'Internal Server Error',
    });
    expect(logs.join()).toContain('a fault');
    expect(logs.join()).not.toContain('a refusal');
  });
});

describe('refuse', () => {
  it('tells the details beside the code', () => {
    expect(
      refuse('SESSION_STEP_UP_REQUIRED', { reason: 'old', maxAgeMs: 5 }).getResponse(),
    ).toEqual({
      statusCode: 403,
      error: 'Forbidden',
      code: 'SESSION_STEP_UP_REQUIRED',
      reason: 'old',
      maxAgeMs: 5,
    });
  });
});
