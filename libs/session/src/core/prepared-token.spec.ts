import { describe, expect, it } from '@jest/globals';

import { createTestSessions } from '../../../../test/support/session-service.js';
import { MemorySessionStore } from '../testing/memory-session-store.js';
import { days } from './duration.js';
import type { SessionStore } from './session-store.js';

/** A store whose transactions lose once to a deadlock. */
class RetryingStore extends MemorySessionStore {
  override async transaction<T>(work: (store: SessionStore) => Promise<T>): Promise<T> {
    const lost = super.transaction(async (store) => {
      await work(store);
      throw new Error('deadlock');
    });
    await lost.catch(() => undefined);
    return super.transaction(work);
  }
}

describe('a prepared token', () => {
  it('opens nothing before it is issued', async () => {
    const { sessions } = createTestSessions();
    const { token } = sessions.prepare();

    expect(await sessions.resolve(token)).toEqual({ status: 'absent' });
    expect(await sessions.statistics()).toMatchObject({ sessions: 0 });
  });

  it('is the token of the session that it is issued for', async () => {
    const { sessions } = createTestSessions();
    const prepared = sessions.prepare();

    const issued = await sessions.issue({ userId: 'ann', prepared });

    expect(issued.token).toBe(prepared.token);
    expect(issued.session.id).toBe(prepared.id);
    expect(await sessions.resolve(prepared.token)).toMatchObject({ status: 'active' });
  });

  it('is issued once, so that a session which was ended and purged does not come back', async () => {
    const { sessions, clock } = createTestSessions();
    const prepared = sessions.prepare();
    await sessions.issue({ userId: 'ann', prepared });
    await sessions.revoke(prepared.id);
    clock.advance(days(30));
    await sessions.purge();

    await expect(sessions.issue({ userId: 'ann', prepared })).rejects.toMatchObject({
      code: 'SESSION_ENDED',
    });
    expect(await sessions.statistics()).toMatchObject({ sessions: 0 });
  });

  it('is issued by a transaction that has to be run again', async () => {
    const store = new RetryingStore();
    const { sessions } = createTestSessions({ store });
    const prepared = sessions.prepare();

    await sessions.issue({ userId: 'ann', prepared });

    expect(await sessions.resolve(prepared.token)).toMatchObject({ status: 'active' });
    expect(await sessions.statistics()).toMatchObject({ sessions: 1 });
  });

  it('is refused unless this service prepared it', async () => {
    const { sessions } = createTestSessions();
    const { id, token } = sessions.prepare();

    await expect(sessions.issue({ prepared: { id, token } })).rejects.toMatchObject({
      code: 'SESSION_ENDED',
    });
    expect(await sessions.statistics()).toMatchObject({ sessions: 0 });
  });
});
