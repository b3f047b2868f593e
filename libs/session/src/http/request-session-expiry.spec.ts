import { describe, expect, it } from '@jest/globals';

import { hours, minutes } from '../core/duration.js';
import type { Session } from '../core/session.js';
import { resolveSessionOptions } from '../session.options-check.js';
import { defaultExpiry, expiryAfter, expiryAt, expiryLimits } from './request-session-expiry.js';

const NOW = Date.UTC(2026, 5, 1);
const settings = resolveSessionOptions({
  secret: 'a secret of at least thirty-two bytes',
  policies: { kiosk: { idleTimeoutMs: null, absoluteTimeoutMs: hours(1) } },
});

/** A session of half an hour of age, in all good for two hours and five minutes of silence. */
function sessionOf(policy: string): Session {
  const createdAt = NOW - minutes(30);
  return {
    policy,
    createdAt,
    expiresAt: createdAt + hours(2),
    idleTimeoutMs: minutes(5),
    persistent: true,
  } as Session;
}

const REFUSED = expect.objectContaining({ code: 'SESSION_EXPIRY_INVALID' });

describe('expiryAfter', () => {
  it.each([
    ['anonymous', hours(2)],
    ['default', minutes(30)],
    ['kiosk', hours(1)],
  ])('is limited by the policy %s to %d ms', (policy, limit) => {
    const limits = expiryLimits(settings, policy, NOW);
    expect(expiryAfter(limit, limits)).toEqual({ idleTimeoutMs: limit });
    expect(expiryAfter(1000, limits)).toEqual({ idleTimeoutMs: 1000 });
    for (const ms of [limit + 1, 999, 0, -1, 1000.5, Number.NaN, Infinity, '1000' as never]) {
      expect(() => expiryAfter(ms, limits)).toThrow(REFUSED);
    }
  });

  it('is limited by the session itself where its policy is no longer defined', () => {
    const limits = expiryLimits(settings, sessionOf('retired'), NOW);
    expect(() => expiryAfter(minutes(5) + 1, limits)).toThrow(REFUSED);
    expect(expiryAfter(minutes(5), limits)).toEqual({ idleTimeoutMs: minutes(5) });
  });
});

describe('expiryAt', () => {
  it('counts the absolute timeout from the issue, not from now', () => {
    const limits = expiryLimits(settings, sessionOf('default'), NOW);
    const last = NOW - minutes(30) + hours(12);
    expect(expiryAt(new Date(last), limits)).toEqual({ expiresAt: last });
    expect(() => expiryAt(new Date(last + 1), limits)).toThrow(REFUSED);
  });

  it.each([
    ['now', new Date(NOW)],
    ['the past', new Date(NOW - 1)],
    ['an invalid Date', new Date(Number.NaN)],
    ['a number', (NOW + 1) as never],
  ])('refuses %s', (_, date) => {
    const limits = expiryLimits(settings, 'default', NOW);
    expect(() => expiryAt(date, limits)).toThrow(REFUSED);
  });
});

describe('defaultExpiry', () => {
  it('is what the policy says, counted from the issue', () => {
    expect(defaultExpiry(expiryLimits(settings, sessionOf('kiosk'), NOW))).toEqual({
      idleTimeoutMs: null,
      expiresAt: NOW - minutes(30) + hours(1),
      persistent: false,
    });
  });
});
