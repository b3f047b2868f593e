import { describe, expect, it } from '@jest/globals';

import { days, minutes } from '../core/duration.js';
import { SessionError } from '../core/errors.js';
import { SessionEvents, type SessionEventMap } from '../core/session-events.js';
import type { EndedSession, StalePrincipal } from '../core/session-store.js';
import { MemorySessionStore } from '../testing/memory-session-store.js';
import { SessionSweep } from './session-sweep.js';

function arrange(store = new MemorySessionStore()) {
  const events = new SessionEvents();
  const revoked: SessionEventMap['session:revoked'][] = [];
  events.on('session:revoked', (event) => revoked.push(event));
  return { store, events, revoked, sweep: new SessionSweep(store, events) };
}

async function insert(
  store: MemorySessionStore,
  userId: string | null,
  count: number,
): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await store.insert({
      id: `${userId}-${index}`,
      tokenHash: '0'.repeat(64),
      generation: 0,
      userId,
      policy: 'default',
      persistent: false,
      idleTimeoutMs: minutes(30),
      absoluteTimeoutMs: days(1),
      expiresAt: null,
      aal: null,
      amr: null,
      ip: null,
      userAgent: null,
      data: null,
    });
  }
}

/** A store in which one user's rows cannot be marked. */
class FailingStore extends MemorySessionStore {
  constructor(private readonly failure: Error) {
    super();
  }

  override sweep(
    principal: StalePrincipal,
    limit: number,
    announce?: (ended: EndedSession) => void,
  ): Promise<readonly EndedSession[]> {
    if (principal.userId === 'bad') return Promise.reject(this.failure);
    return super.sweep(principal, limit, announce);
  }
}

/** A store whose first sweep fails at its commit. */
class UncommittedStore extends MemorySessionStore {
  #sweeps = 0;

  override sweep(
    principal: StalePrincipal,
    limit: number,
    announce?: (ended: EndedSession) => void,
  ): Promise<readonly EndedSession[]> {
    this.#sweeps += 1;
    if (this.#sweeps > 1) return super.sweep(principal, limit, announce);
    return this.transaction(async (inside) => {
      await inside.sweep(principal, limit, announce);
      throw new Error('no commit');
    });
  }
}

describe('SessionSweep', () => {
  it('marks and announces each of a user’s ended sessions once, in as many batches as it takes', async () => {
    const { store, revoked, sweep } = arrange();
    await insert(store, 'ann', 450);
    await insert(store, 'bob', 1);
    await store.raiseEpoch('ann', 'password-changed', 'ann-7');

    expect(await sweep.sweepUser('ann')).toBe(449);
    expect(await sweep.sweepUser('ann')).toBe(0);
    expect(new Set(revoked.map(({ sessionId }) => sessionId)).size).toBe(449);
    expect(revoked[0]).toEqual({ sessionId: 'ann-0', userId: 'ann', reason: 'password-changed' });
    expect((await store.find('ann-0'))?.session.revokeReason).toBe('password-changed');
    expect((await store.find('ann-7'))?.session.revokedAt).toBeNull();
    expect((await store.find('bob-0'))?.session.revokedAt).toBeNull();
    expect(await store.stalePrincipals(10)).toEqual([]);
  });

  it('leaves the sessions of other users to their own sweep', async () => {
    const { store, revoked, sweep } = arrange();
    await insert(store, 'ann', 1);
    await insert(store, 'bob', 1);
    await store.raiseEpoch('ann', 'revoked');
    await store.raiseEpoch('bob', 'revoked');
    await sweep.sweepUser('bob');

    expect(revoked.map(({ userId }) => userId)).toEqual(['bob']);
  });

  it('finds every user whose sweep was lost, over as many pages as it takes', async () => {
    const { store, revoked, sweep } = arrange();
    for (let user = 0; user < 150; user += 1) {
      await insert(store, `u${user}`, 1);
      await store.raiseEpoch(`u${user}`, 'revoked');
    }

    expect(await sweep.sweepStale()).toBe(150);
    expect(revoked).toHaveLength(150);
  });

  it('announces the sessions that were ended for everyone, anonymous ones included', async () => {
    const { store, revoked, sweep } = arrange();
    await insert(store, 'ann', 1);
    await insert(store, null, 1);
    await store.raiseEveryonesEpoch('incident');

    expect(await sweep.sweepStale()).toBe(2);
    expect(revoked).toContainEqual({ sessionId: 'null-0', userId: null, reason: 'incident' });
  });

  it('announces each session once when sweeps run beside each other', async () => {
    const { store, events, revoked, sweep } = arrange();
    await insert(store, 'ann', 450);
    await store.raiseEpoch('ann', 'revoked');
    await Promise.all([
      sweep.sweepUser('ann'),
      new SessionSweep(store, events).sweepStale(),
      sweep.sweepStale(),
    ]);

    expect(revoked).toHaveLength(450);
    expect(new Set(revoked.map(({ sessionId }) => sessionId)).size).toBe(450);
  });

  it('stops between two batches when its signal is aborted, and the next sweep goes on', async () => {
    const { store, events, revoked, sweep } = arrange();
    await insert(store, 'ann', 450);
    await store.raiseEpoch('ann', 'revoked');
    const controller = new AbortController();
    events.on('session:revoked', () => controller.abort());

    expect(await sweep.sweepStale(controller.signal)).toBe(200);
    expect(await sweep.sweepStale()).toBe(250);
    expect(revoked).toHaveLength(450);
  });

  it('announces again, as another process, what was not marked when the first one died', async () => {
    const { store, revoked, sweep } = arrange(new UncommittedStore());
    await insert(store, 'ann', 3);
    await store.raiseEpoch('ann', 'revoked');
    await expect(sweep.sweepUser('ann')).rejects.toThrow('no commit');
    const next = new SessionEvents();
    const announced: string[] = [];
    next.on('session:revoked', ({ sessionId }) => announced.push(sessionId));

    expect(revoked.map(({ sessionId }) => sessionId)).toEqual(['ann-0', 'ann-1', 'ann-2']);
    expect(await new SessionSweep(store, next).sweepStale()).toBe(3);
    expect(announced).toEqual(['ann-0', 'ann-1', 'ann-2']);
  });

  it('announces nothing again where its marks are lost and it lives on', async () => {
    const { store, revoked, sweep } = arrange(new UncommittedStore());
    await insert(store, 'ann', 3);
    await store.raiseEpoch('ann', 'revoked');
    await expect(sweep.sweepUser('ann')).rejects.toThrow('no commit');
    await insert(store, 'bob', 1);
    await store.raiseEpoch('bob', 'revoked');

    expect(await sweep.sweepStale()).toBe(1);
    expect(revoked.map(({ sessionId }) => sessionId)).toEqual(['ann-0', 'ann-1', 'ann-2', 'bob-0']);
    expect((await store.find('ann-0'))?.session.revokedAt).not.toBeNull();
    expect(await store.stalePrincipals(1)).toEqual([]);
  });

  it('goes on with other users when one fails, and throws at the end', async () => {
    const failure = new Error('bug');
    const { store, revoked, sweep } = arrange(new FailingStore(failure));
    for (const userId of ['bad', 'good']) {
      await insert(store, userId, 1);
      await store.raiseEpoch(userId, 'revoked');
    }

    await expect(sweep.sweepStale()).rejects.toBe(failure);
    expect(revoked.map(({ userId }) => userId)).toEqual(['good']);
  });

  it('stops when the store is down', async () => {
    const failure = new SessionError('SESSION_STORE_UNAVAILABLE', 'down');
    const { store, revoked, sweep } = arrange(new FailingStore(failure));
    for (const userId of ['bad', 'good']) {
      await insert(store, userId, 1);
      await store.raiseEpoch(userId, 'revoked');
    }

    await expect(sweep.sweepStale()).rejects.toBe(failure);
    expect(revoked).toEqual([]);
  });
});
