import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { hours, minutes } from './duration.js';
import {
  deadlinesAt,
  earliestDeadline,
  effectiveDeadlines,
  effectiveIdleTimeoutMs,
  purgeAt,
  sessionState,
  shorter,
  type SessionPolicy,
} from './session-policy.js';
import type { Session, SessionRecord } from './session.js';

const NOW = Date.UTC(2026, 0, 1);
const policy: SessionPolicy = {
  idleTimeoutMs: minutes(30),
  absoluteTimeoutMs: hours(12),
  persistent: false,
};

function sessionWith(given: Partial<Session> = {}): Session {
  return {
    id: '01890a5d-ac96-774b-bcce-b302099a8057',
    userId: 'ada',
    policy: 'default',
    persistent: false,
    generation: 0,
    rotatedAt: null,
    epoch: 0,
    createdAt: NOW,
    lastSeenAt: NOW,
    authenticatedAt: NOW,
    aal: 1,
    amr: null,
    idleTimeoutMs: minutes(30),
    idleExpiresAt: NOW + minutes(30),
    expiresAt: NOW + hours(12),
    revokedAt: null,
    revokeReason: null,
    ip: null,
    userAgent: null,
    version: 0,
    ...given,
  };
}

function recordWith(given: Partial<SessionRecord> = {}): SessionRecord {
  return {
    session: sessionWith(),
    tokenHash: '0'.repeat(64),
    data: null,
    requiredEpoch: 0,
    epochReason: null,
    now: NOW,
    ...given,
  };
}

describe('deadlines', () => {
  it('count the idle timeout from the activity and leave the absolute one', () => {
    const timeouts = { idleTimeoutMs: minutes(30), expiresAt: NOW + hours(12) };
    expect(deadlinesAt(NOW + minutes(5), timeouts)).toEqual({
      idleExpiresAt: NOW + minutes(35),
      expiresAt: NOW + hours(12),
    });
    expect(deadlinesAt(NOW, { ...timeouts, idleTimeoutMs: null }).idleExpiresAt).toBeNull();
  });

  it('end a session at the earlier one', () => {
    expect(earliestDeadline({ idleExpiresAt: 2, expiresAt: 3 })).toBe(2);
    expect(earliestDeadline({ idleExpiresAt: 4, expiresAt: 3 })).toBe(3);
    expect(earliestDeadline({ idleExpiresAt: null, expiresAt: 3 })).toBe(3);
  });

  it('take no limit for longer than any', () => {
    expect([shorter(null, 2), shorter(2, null), shorter(2, 1), shorter(null, null)]).toEqual([
      2,
      2,
      1,
      null,
    ]);
  });
});

describe('purgeAt', () => {
  it('rounds up to a whole bucket and adds the retention', () => {
    const timing = { retentionMs: 7, purgeBucketMs: 100 };
    expect([1, 99, 100, 101].map((endsAt) => purgeAt(endsAt, timing))).toEqual([
      107, 107, 107, 207,
    ]);
  });

  it('lies within a bucket after the end of the retention, never before it', () => {
    fc.assert(
      fc.property(
        fc.nat(NOW),
        fc.nat(hours(48)),
        fc.integer({ min: 1000, max: hours(24) }),
        (endsAt, retentionMs, purgeBucketMs) => {
          const waited = purgeAt(endsAt, { retentionMs, purgeBucketMs }) - endsAt - retentionMs;
          expect(waited).toBeGreaterThanOrEqual(0);
          expect(waited).toBeLessThan(purgeBucketMs);
        },
      ),
    );
  });
});

describe('a policy that was changed', () => {
  const session = sessionWith({ lastSeenAt: NOW + minutes(1), idleExpiresAt: NOW + minutes(31) });

  it('shortens sessions that exist when it is lowered', () => {
    const lowered = { ...policy, idleTimeoutMs: minutes(5), absoluteTimeoutMs: hours(1) };
    expect(effectiveDeadlines(session, lowered)).toEqual({
      idleExpiresAt: NOW + minutes(6),
      expiresAt: NOW + hours(1),
    });
    expect(effectiveIdleTimeoutMs(session, lowered)).toBe(minutes(5));
  });

  it('does not lengthen sessions that exist when it is raised', () => {
    const raised = { ...policy, idleTimeoutMs: hours(2), absoluteTimeoutMs: hours(48) };
    expect(effectiveDeadlines(session, raised)).toEqual({
      idleExpiresAt: NOW + minutes(31),
      expiresAt: NOW + hours(12),
    });
    expect(effectiveIdleTimeoutMs(session, raised)).toBe(minutes(30));
  });

  it('gives an idle timeout to sessions that had none', () => {
    const without = sessionWith({ idleTimeoutMs: null, idleExpiresAt: null });
    expect(effectiveDeadlines(without, policy).idleExpiresAt).toBe(NOW + minutes(30));
    expect(effectiveIdleTimeoutMs(without, policy)).toBe(minutes(30));
  });

  it('leaves sessions as they are when it is no longer defined, or has no idle timeout', () => {
    const { idleExpiresAt, expiresAt } = session;
    expect(effectiveDeadlines(session, undefined)).toEqual({ idleExpiresAt, expiresAt });
    expect(effectiveIdleTimeoutMs(session, undefined)).toBe(minutes(30));
    const unlimited = { ...policy, idleTimeoutMs: null };
    expect(effectiveDeadlines(session, unlimited)).toEqual({ idleExpiresAt, expiresAt });
  });
});

describe('sessionState', () => {
  it('is active until the last millisecond before a deadline, and over at it', () => {
    const at = (now: number) => sessionState(recordWith({ now }), policy).status;
    expect([at(NOW + minutes(30) - 1), at(NOW + minutes(30))]).toEqual(['active', 'idle-expired']);
    const session = sessionWith({ lastSeenAt: NOW + hours(12), idleExpiresAt: NOW + hours(13) });
    const late = (now: number) => sessionState(recordWith({ session, now }), policy).status;
    expect([late(NOW + hours(12) - 1), late(NOW + hours(12))]).toEqual([
      'active',
      'absolute-expired',
    ]);
  });

  it('names the absolute timeout where both have passed', () => {
    const now = NOW + hours(13);
    expect(sessionState(recordWith({ now }), policy)).toEqual({ status: 'absolute-expired' });
  });

  it('names the revocation and its reason before any expiry', () => {
    const session = sessionWith({ revokedAt: NOW, revokeReason: 'signed-out' });
    expect(sessionState(recordWith({ session, now: NOW + hours(13) }), policy)).toEqual({
      status: 'revoked',
      reason: 'signed-out',
    });
  });

  it('is revoked once the principal requires a higher epoch', () => {
    const ended = recordWith({ requiredEpoch: 1, epochReason: 'password-changed' });
    expect(sessionState(ended, policy)).toEqual({ status: 'revoked', reason: 'password-changed' });
    const issuedAfter = { ...ended, session: sessionWith({ epoch: 1 }) };
    expect(sessionState(issuedAfter, policy)).toEqual({ status: 'active' });
  });

  it('gives a reason where the row has none', () => {
    const session = sessionWith({ revokedAt: NOW });
    const revoked = { status: 'revoked', reason: 'revoked' };
    expect(sessionState(recordWith({ session }), policy)).toEqual(revoked);
    expect(sessionState(recordWith({ requiredEpoch: 1 }), policy)).toEqual(revoked);
  });

  it('decides by the policy as configured now', () => {
    const record = recordWith({ now: NOW + minutes(5) });
    const lowered = { ...policy, idleTimeoutMs: minutes(5) };
    expect(sessionState(record, lowered)).toEqual({ status: 'idle-expired' });
    expect(sessionState(record, undefined)).toEqual({ status: 'active' });
  });
});
