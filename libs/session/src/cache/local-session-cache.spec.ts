import { describe, expect, it } from '@jest/globals';

import { skewedDate } from '../../../../test/support/skewed-date.js';
import { until } from '../../../../test/support/until.js';
import { days, hours } from '../core/duration.js';
import type { ActiveSession } from '../core/session-resolution.js';
import { newSessionId, SessionTokens } from '../core/session-token.js';
import type { Session } from '../core/session.js';
import { LocalSessionCache } from './local-session-cache.js';

const tokens = new SessionTokens(['s'.repeat(32)]);

function cacheOf(maxEntries: number): LocalSessionCache {
  const channel = { leaseExpiresAt: Infinity };
  return new LocalSessionCache({ maxEntries, ttlMs: 3000 }, channel, { policies: {} }, () => 0);
}

function found(userId: string | null): { presented: string; active: ActiveSession } {
  const id = newSessionId(0);
  const { token: presented, tokenHash } = tokens.mint(id, 0);
  const token = tokens.parse(presented);
  if (token === undefined) throw new Error('Expected a token');
  const session = { id, userId, idleExpiresAt: null, expiresAt: hours(1) } as Session;
  const record = {
    session,
    tokenHash,
    data: null,
    requiredEpoch: 0,
    epochReason: null,
    now: 0,
  };
  return { presented, active: { status: 'active', record, token, successor: null } };
}

const machine = skewedDate();

describe('LocalSessionCache', () => {
  it.each([
    ['back', -days(1)],
    ['forward', days(1)],
  ])("keeps a session as long where the machine's clock is set %s", async (_way, skewMs) => {
    const ttlMs = 50;
    const channel = { leaseExpiresAt: Infinity };
    const cache = new LocalSessionCache({ maxEntries: 10, ttlMs }, channel, { policies: {} });
    const { presented, active } = found('ada');
    machine.setSkew(0);
    const readAt = performance.now();
    cache.fill(cache.beginRead(), presented, active);
    machine.setSkew(skewMs);
    await until(() => cache.get(presented) === undefined);
    expect(performance.now() - readAt).toBeGreaterThanOrEqual(ttlMs);
  });

  it('keeps as many sessions as it may, those used last, and no key of another', () => {
    const cache = cacheOf(10);
    const first = found('ada');
    cache.fill(cache.beginRead(), first.presented, first.active);
    for (let count = 0; count < 500; count += 1) {
      const { presented, active } = found(`user-${count % 7}`);
      cache.fill(cache.beginRead(), presented, active);
      expect(cache.get(first.presented)).toBeDefined();
    }
    expect(cache.size.entries).toBe(10);
    // Each of one session, and of one of at most eight users.
    expect(cache.size.keys).toBeLessThanOrEqual(10 + 10 + 8);
    cache.clear();
    expect(cache.size).toEqual({ entries: 0, keys: 0 });
  });

  it('keeps one token of a session, the last that was found', () => {
    const cache = cacheOf(10);
    const { presented, active } = found('ada');
    const { id } = active.record.session;
    const next = tokens.mint(id, 1).token;
    cache.fill(cache.beginRead(), presented, active);
    cache.fill(cache.beginRead(), next, active);
    expect(cache.get(presented)).toBeUndefined();
    expect(cache.get(next)).toBeDefined();
    expect(cache.size).toEqual({ entries: 1, keys: 3 });
  });

  it('keeps nothing of reads that began before more evictions than it can remember', () => {
    const cache = cacheOf(10);
    const began = cache.beginRead();
    cache.evictUser('ada');
    for (let count = 0; count < 5000; count += 1) cache.evictSession(newSessionId(count));
    for (const userId of ['ada', 'bob']) {
      const { presented, active } = found(userId);
      cache.fill(began, presented, active);
      expect(cache.get(presented)).toBeUndefined();
    }
  });

  it('keeps after them what was read since, and was not evicted', () => {
    const cache = cacheOf(10);
    for (let count = 0; count < 5000; count += 1) cache.evictSession(newSessionId(count));
    const { presented, active } = found('ada');
    const began = cache.beginRead();
    cache.evictUser('bob');
    cache.fill(began, presented, active);
    expect(cache.get(presented)).toBeDefined();
  });

  it('keeps of a token its bytes and not the pool that they came from', () => {
    const cache = cacheOf(10);
    const { presented, active } = found('ada');
    cache.fill(cache.beginRead(), presented, active);
    const secret = cache.get(presented)?.token.secret;
    expect(secret).toEqual(active.token.secret);
    expect(secret?.buffer.byteLength).toBe(32);
  });
});
