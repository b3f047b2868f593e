import { describe, expect, it } from '@jest/globals';

import { SessionError } from '../core/errors.js';
import { describeFailure } from './describe-failure.js';

describe('describeFailure', () => {
  it('gives the message of a SessionError', () => {
    const error = new SessionError('SESSION_STORE_UNAVAILABLE', 'The database did not answer.');
    expect(describeFailure(error)).toBe('[SESSION_STORE_UNAVAILABLE] The database did not answer.');
  });

  it('gives the code of a driver’s error and not its message', () => {
    const error = Object.assign(new Error('insert into t values ($1) -- hunter2'), {
      code: '23505',
    });
    expect(describeFailure(error)).toBe('Error 23505');
  });

  it('gives the word in capitals with which Redis begins its errors', () => {
    expect(describeFailure(new Error('WRONGPASS invalid username-password pair'))).toBe(
      'Error WRONGPASS',
    );
  });

  it('gives no more than the name of any other error', () => {
    expect(describeFailure(new TypeError('redis://:hunter2@localhost is no URL'))).toBe(
      'TypeError',
    );
    expect(describeFailure('hunter2')).toBe('unknown error');
  });
});
