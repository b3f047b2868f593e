import { beforeAll, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';

import { sessionState } from '../../libs/session/src/core/session-policy.js';
import type { SessionWork } from '../../libs/session/src/core/session-work.js';
import type { SessionService } from '../../libs/session/src/core/session.service.js';
import type { SessionModuleOptions } from '../../libs/session/src/session.options.js';
import type { TypeOrmSessionStore } from '../../libs/session/src/store/typeorm-session-store.js';
import { Account } from '../support/account.entity.js';
import { describeEachDatabase } from '../support/databases.js';
import { collectEvents } from '../support/next-event.js';
import { createTestSessions, type TestSessions } from '../support/session-service.js';
import { openStore } from '../support/session-store.js';
import { StatementLog } from '../support/statement-log.js';

const SIGN_INS = 50;

const NO_WORK: SessionWork = {
  current: null,
  client: { ip: null, userAgent: null },
  data: null,
  updates: [],
  signIn: null,
  rotation: null,
  expiry: {},
  authenticated: null,
};

await describeEachDatabase('the limit of sessions per user', (database) => {
  const log = new StatementLog();
  let store: TypeOrmSessionStore;
  let dataSource: DataSource;

  beforeAll(async () => {
    const logged = { logger: log, logging: true };
    ({ store, dataSource } = await openStore(database, { storeTimeoutMs: 20_000 }, logged));
  });

  const limitedTo = (
    maxSessionsPerUser: number,
    options: Partial<SessionModuleOptions> = {},
  ): TestSessions => createTestSessions({ store, options: { maxSessionsPerUser, ...options } });

  const signInAtOnce = (
    sessions: SessionService,
    userId: string,
  ): Promise<PromiseSettledResult<{ readonly session: { readonly id: string } }>[]> =>
    Promise.allSettled(Array.from({ length: SIGN_INS }, () => sessions.issue({ userId })));

  const liveCount = async (sessions: SessionService, userId: string): Promise<number> =>
    (await sessions.list(userId, { limit: 100 })).sessions.length;

  it(`holds when ${SIGN_INS} sign-ins of a new user run at once`, async () => {
    const { sessions, events } = limitedTo(3);
    const revoked = collectEvents(events, 'session:revoked');
    const results = await signInAtOnce(sessions, 'crowd');
    expect(results.filter(({ status }) => status === 'rejected')).toEqual([]);
    expect(await liveCount(sessions, 'crowd')).toBe(3);
    expect(new Set(revoked.map(({ sessionId }) => sessionId)).size).toBe(SIGN_INS - 3);
    expect(revoked).toHaveLength(SIGN_INS - 3);
    expect(new Set(revoked.map(({ reason }) => reason))).toEqual(new Set(['limit-reached']));
  });

  it(`refuses all but as many as it allows of ${SIGN_INS} sign-ins at once`, async () => {
    const { sessions, events } = limitedTo(3, { onLimit: 'refuse' });
    const revoked = collectEvents(events, 'session:revoked');
    const results = await signInAtOnce(sessions, 'refused');
    const refusals = results.filter((result) => result.status === 'rejected');
    expect(refusals).toHaveLength(SIGN_INS - 3);
    for (const { reason } of refusals) {
      expect(reason).toMatchObject({ code: 'SESSION_LIMIT_REACHED' });
    }
    expect(await liveCount(sessions, 'refused')).toBe(3);
    expect(revoked).toEqual([]);
  });

  it('holds for each user of many who sign in at once', async () => {
    const { sessions } = limitedTo(1);
    const users = Array.from({ length: 10 }, (_, index) => `user-${index}`);
    await Promise.all(
      users.flatMap((userId) => Array.from({ length: 5 }, () => sessions.issue({ userId }))),
    );
    const counts = await Promise.all(users.map((userId) => liveCount(sessions, userId)));
    expect(counts).toEqual(users.map(() => 1));
  });

  it('lets no sign-in outlive a password change that it met', async () => {
    const { sessions } = limitedTo(2);
    for (let round = 0; round < 10; round += 1) {
      const userId = `changer-${round}`;
      const account = { id: userId, passwordHash: 'old', isDisabled: false };
      await dataSource.getRepository(Account).save(account);
      await sessions.issue({ userId });
      await sessions.issue({ userId });
      const change = dataSource.transaction(async (manager) => {
        await manager.update(Account, { id: userId }, { passwordHash: 'new' });
        await sessions.revokeAllForUser(userId, { manager, reason: 'password-changed' });
      });
      const signIns = Array.from({ length: 5 }, () =>
        sessions.issue({ userId, credential: 'old' }).catch(() => undefined),
      );
      const [issued] = await Promise.all([Promise.all(signIns), change]);
      const ids = issued.flatMap((outcome) => outcome?.session.id ?? []);
      const records = await Promise.all(ids.map((id) => store.find(id)));
      const states = records.map((record) => record && sessionState(record, undefined).status);
      expect(states).not.toContain('active');
      expect(await liveCount(sessions, userId)).toBe(0);
    }
  });

  it('never waits in a circle with a password change in the session that a sign-in replaces', async () => {
    const { sessions } = limitedTo(2);
    const failuresBefore = log.failureCount;
    for (let round = 0; round < 20; round += 1) {
      const { token } = await sessions.issue({ userId: 'circle' });
      const current = await sessions.resolve(token);
      if (current.status !== 'active') throw new Error(`Expected active, got ${current.status}`);
      await Promise.all([
        sessions.commit({ ...NO_WORK, current, signIn: { userId: 'circle', options: {} } }),
        sessions.revokeAllForUser('circle', { except: current.record.session.id }),
      ]);
    }
    expect(log.failureCount).toBe(failuresBefore);
  });

  it('goes on beside the sweep of the sessions that a password change has ended', async () => {
    const { sessions } = limitedTo(2);
    const tokens = await Promise.all(
      Array.from({ length: 20 }, () =>
        createTestSessions({ store }).sessions.issue({ userId: 'swept' }),
      ),
    );
    const epoch = await store.raiseEpoch('swept', 'password-changed');
    const principal = { userId: 'swept', epoch, reason: 'password-changed' };
    const [ended] = await Promise.all([
      store.sweep(principal, tokens.length + 1),
      ...Array.from({ length: 10 }, () => sessions.issue({ userId: 'swept' })),
    ]);
    expect(ended).toHaveLength(20);
    expect(await liveCount(sessions, 'swept')).toBe(2);
  });

  it('costs sign-ins nothing where there is none', async () => {
    const { sessions } = createTestSessions({ store });
    const sent = await log.during(() => sessions.issue({ userId: 'unlimited' }));
    expect(sent.filter((statement) => statement.includes('session_principals'))).toHaveLength(2);
    const principals = await dataSource.query<unknown[]>(
      `select 1 from session_principals where user_id = 'unlimited'`,
    );
    expect(principals).toEqual([]);
  });
});
