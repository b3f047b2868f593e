import { describe, expect, it } from '@jest/globals';

import { statusOf } from './error-status.js';

describe('statusOf', () => {
  it.each([
    ['SESSION_REQUIRED', 401],
    ['SESSION_CROSS_ORIGIN', 403],
    ['SESSION_DATA_CONFLICT', 409],
    ['SESSION_DATA_TOO_LARGE', 413],
    ['SESSION_STORE_UNAVAILABLE', 503],
    ['SESSION_POLICY_UNKNOWN', 500],
  ] as const)('answers %s with %d', (code, status) => {
    expect(statusOf(code)).toBe(status);
  });
});
