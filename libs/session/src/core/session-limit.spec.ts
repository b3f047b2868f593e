import { beforeEach, describe, expect, it } from '@jest/globals';

import { CommitBench } from '../../../../test/support/commit-bench.js';
import { collectEvents } from '../../../../test/support/next-event.js';
import { createTestSessions, type TestSessions } from '../../../../test/support/session-service.js';
import type { SessionModuleOptions } from '../session.options.js';
import { MemorySessionStore } from '../testing/memory-session-store.js';
import { hours, minutes } from './duration.js';
import { newSessionId } from './session-token.js';

/** Counts what the limit costs. */
class CountingStore extends MemorySessionStore {
  lockCount = 0;

  override lockPrincipal(userId: string): Promise<void> {
    this.lockCount += 1;
    return super.lockPrincipal(userId);
  }
}

describe('the limit of sessions per user', () => {
  let test: TestSessions;
  const create = (options: Partial<SessionModuleOptions>): void => {
    test = createTestSessions({ options });
  };
  const issue = async (userId: string | null = 'ada'): Promise<string> => {
    test.clock.advance(1);
    return (await test.sessions.issue({ userId })).session.id;
  };
  const liveIds = async (userId = 'ada'): Promise<readonly string[]> =>
    (await test.sessions.list(userId)).sessions.map(({ id }) => id);

  describe("where the oldest session gives way: 'revoke-oldest'", () => {
    beforeEach(() => create({ maxSessionsPerUser: 2 }));

    it('ends the oldest session for a third', async () => {
      const [first, second, third] = [await issue(), await issue(), await issue()];
      expect(await liveIds()).toEqual([second, third]);
      expect((await test.store.find(first))?.session.revokeReason).toBe('limit-reached');
    });

    it('announces each session that it ends once, after the commit', async () => {
      const revoked: unknown[] = [];
      test.events.on('session:revoked', async (event) => {
        revoked.push({ ...event, isLive: (await liveIds()).includes(event.sessionId) });
      });
      const first = await issue();
      await issue();
      await issue();
      await test.sessions.list('ada');
      expect(revoked).toEqual([
        { sessionId: first, userId: 'ada', reason: 'limit-reached', isLive: false },
      ]);
    });

    it('goes by when sessions were issued, not by their ids', async () => {
      const young = { id: newSessionId(0), tokenHash: '0'.repeat(64), data: null, expiresAt: null };
      const first = await issue();
      const { session } = (await test.store.find(first))!;
      test.clock.advance(1);
      await test.store.insert({ ...session, ...young, absoluteTimeoutMs: hours(1) });
      const third = await issue();
      expect(await liveIds()).toEqual([young.id, third]);
    });

    it('counts no session that has ended, and none of another user or of nobody', async () => {
      await test.sessions.revoke(await issue());
      await issue('bob');
      await issue(null);
      const [first, second] = [await issue(), await issue()];
      expect(await liveIds()).toEqual([first, second]);
      test.clock.advance(hours(24));
      const third = await issue();
      expect((await test.store.find(first))?.session.revokeReason).toBeNull();
      expect(await liveIds()).toEqual([third]);
    });

    it('ends as many as are too many where the limit was lowered', async () => {
      const { store, clock } = test;
      const unlimited = createTestSessions({ store, clock }).sessions;
      let newest = '';
      for (let count = 0; count < 205; count += 1) {
        clock.advance(1);
        newest = (await unlimited.issue({ userId: 'ada' })).session.id;
      }
      const last = await issue();
      expect(await liveIds()).toEqual([newest, last]);
    });

    it('ends nothing for a sign-in that fails', async () => {
      const revoked = collectEvents(test.events, 'session:revoked');
      const ids = [await issue(), await issue()];
      await expect(test.sessions.issue({ userId: 'ada', policy: 'unknown' })).rejects.toMatchObject(
        { code: 'SESSION_POLICY_UNKNOWN' },
      );
      expect(await liveIds()).toEqual(ids);
      expect(revoked).toEqual([]);
    });
  });

  describe("where the sign-in gives way: 'refuse'", () => {
    beforeEach(() => create({ maxSessionsPerUser: 2, onLimit: 'refuse' }));

    it('refuses a third session and keeps the two', async () => {
      const issued = collectEvents(test.events, 'session:issued');
      const ids = [await issue(), await issue()];
      await expect(issue()).rejects.toMatchObject({ code: 'SESSION_LIMIT_REACHED' });
      expect(await liveIds()).toEqual(ids);
      expect(issued).toHaveLength(2);
    });

    it('counts no session that only a lowered policy has ended', async () => {
      const { store, clock } = test;
      const ids = [await issue(), await issue()];
      clock.advance(minutes(20));
      const policies = { default: { idleTimeoutMs: minutes(10), absoluteTimeoutMs: hours(1) } };
      const lowered = createTestSessions({
        store,
        clock,
        options: { maxSessionsPerUser: 2, onLimit: 'refuse', policies },
      });
      const { session } = await lowered.sessions.issue({ userId: 'ada' });
      const { sessions } = await lowered.sessions.list('ada');
      expect(sessions.map(({ id }) => id)).toEqual([session.id]);
      expect(await liveIds()).toEqual([...ids, session.id]);
    });

    it('lets the user sign in again when one of them has ended', async () => {
      const [first, second] = [await issue(), await issue()];
      await test.sessions.revoke(first);
      expect(await liveIds()).toEqual([second]);
      expect(await liveIds()).not.toContain(await issue());
    });
  });

  describe('in a request that comes with a session', () => {
    let bench: CommitBench;
    const signIn = { signIn: { userId: 'ada', options: {} } };

    beforeEach(() => {
      bench = new CommitBench();
    });

    it('does not count the session that the sign-in replaces', async () => {
      const limited = bench.sessionsWith({ maxSessionsPerUser: 2, onLimit: 'refuse' });
      const other = await bench.issue('ada');
      const { current, id } = await bench.issue('ada');
      const { record } = await bench.commit(current, signIn, limited);
      const { sessions } = await limited.list('ada');
      const ids = sessions.map((session) => session.id);
      expect(new Set(ids)).toEqual(new Set([other.id, record?.session.id]));
      expect((await bench.record(id)).session.revokeReason).toBe('replaced');
    });

    it('keeps the session of a visitor whose sign-in is refused', async () => {
      const limited = bench.sessionsWith({ maxSessionsPerUser: 1, onLimit: 'refuse' });
      await bench.issue('ada');
      const { current, token } = await bench.issue(null, { step: 1 });
      await expect(bench.commit(current, signIn, limited)).rejects.toMatchObject({
        code: 'SESSION_LIMIT_REACHED',
      });
      expect((await bench.resolve(token)).record).toEqual(current.record);
    });

    it("counts as one more for its user where it was another user's", async () => {
      const limited = bench.sessionsWith({ maxSessionsPerUser: 1 });
      const oldest = await bench.issue('ada');
      const { current } = await bench.issue('bob');
      await bench.commit(current, signIn, limited);
      expect((await bench.record(oldest.id)).session.revokeReason).toBe('limit-reached');
      expect((await limited.list('bob')).sessions).toEqual([]);
    });

    it('counts no change of a session that is there', async () => {
      const limited = bench.sessionsWith({ maxSessionsPerUser: 1, onLimit: 'refuse' });
      const { current } = await bench.issue('ada');
      const { token } = await bench.commit(current, { rotation: 'now' }, limited);
      expect((await bench.resolve(token)).record.session.userId).toBe('ada');
    });
  });

  it('lets a user have one session at most', async () => {
    create({ maxSessionsPerUser: 1 });
    await issue();
    const second = await issue();
    expect(await liveIds()).toEqual([second]);
  });

  it('never locks the row that counts for everyone', async () => {
    const store = new CountingStore();
    const { sessions } = createTestSessions({ store, options: { maxSessionsPerUser: 1 } });
    await expect(sessions.issue({ userId: '*' })).rejects.toMatchObject({
      code: 'SESSION_USER_INVALID',
    });
    expect(store.lockCount).toBe(0);
  });

  it('locks nobody where there is no limit, and nobody for an anonymous session', async () => {
    const store = new CountingStore();
    await createTestSessions({ store }).sessions.issue({ userId: 'ada' });
    const { sessions } = createTestSessions({ store, options: { maxSessionsPerUser: 1 } });
    await sessions.issue({ userId: null });
    expect(store.lockCount).toBe(0);
  });
});
