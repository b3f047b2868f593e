import { describe, expect, it } from '@jest/globals';

import { isSessionError, SESSION_ERRORS, SessionError } from './errors.js';

describe('SessionError', () => {
  it('names its code in front of the message and keeps the cause', () => {
    const cause = new Error('connection refused');
    const error = new SessionError('SESSION_STORE_UNAVAILABLE', 'The database is down.', { cause });
    expect(error).toMatchObject({
      name: 'SessionError',
      code: 'SESSION_STORE_UNAVAILABLE',
      message: '[SESSION_STORE_UNAVAILABLE] The database is down.',
      cause,
    });
    expect(error).toBeInstanceOf(Error);
  });

  it('is told apart from other errors and by its code', () => {
    const error = new SessionError('SESSION_ENDED', 'Sign in again.');
    expect(isSessionError(error)).toBe(true);
    expect(isSessionError(error, 'SESSION_ENDED')).toBe(true);
    expect(isSessionError(error, 'SESSION_REQUIRED')).toBe(false);
    expect(isSessionError(Object.assign(new Error('x'), { code: 'SESSION_ENDED' }))).toBe(false);
    expect(isSessionError(undefined)).toBe(false);
  });

  it('has codes of one form, each with one sentence of meaning', () => {
    for (const [code, meaning] of Object.entries(SESSION_ERRORS)) {
      expect(code).toMatch(/^SESSION_[A-Z]+(_[A-Z]+)*$/);
      expect(meaning).toMatch(/^[A-Z].{10,}\.$/);
    }
  });
});
