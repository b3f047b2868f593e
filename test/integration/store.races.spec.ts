import { beforeAll, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';

import { sessionState } from '../../libs/session/src/core/session-policy.js';
import type { SessionStore } from '../../libs/session/src/core/session-store.js';
import type { TypeOrmSessionStore } from '../../libs/session/src/store/typeorm-session-store.js';
import { Account } from '../support/account.entity.js';
import { untilBlocked } from '../support/blocked.js';
import { describeEachDatabase } from '../support/databases.js';
import { newSession } from '../support/new-session.js';
import { openStore } from '../support/session-store.js';

const HASH = 'f'.repeat(64);

/** An activity so late that no earlier one makes it stale. */
const touchOf = (id: string) => ({
  id,
  ageMs: -1000,
  idleTimeoutMs: 60_000,
  ip: '10.0.0.1',
  userAgent: null,
});

/** Writes that would bring a session back, were they not conditional. */
const LATE_WRITES: Record<
  string,
  (store: SessionStore, session: { id: string; tokenHash: string }) => Promise<unknown>
> = {
  touch: (store, { id }) => store.touch([touchOf(id)]),
  'change of the data': (store, { id }) =>
    store.update(id, { data: { set: { late: '1' }, remove: [] } }),
  rotation: (store, { id, tokenHash }) =>
    store.update(id, { rotate: { fromGeneration: 0, fromTokenHash: tokenHash, tokenHash: HASH } }),
  'longer expiry': (store, { id }) => store.update(id, { idleTimeoutMs: 1e9, expiresAt: 9e15 }),
  'second revocation': async (store, { id }) => (await store.revoke(id, 'second')) !== undefined,
};

await describeEachDatabase(
  'a session that is being ended',
  (database) => {
    let store: TypeOrmSessionStore;
    let observer: DataSource;

    beforeAll(async () => {
      ({ store } = await openStore(database, { storeTimeoutMs: 10_000 }));
      observer = await database.connect();
    });

    for (const [name, write] of Object.entries(LATE_WRITES)) {
      it(`stays ended and unchanged when a ${name} waited for it`, async () => {
        const session = newSession();
        await store.insert(session);
        let late: Promise<unknown> = Promise.resolve();
        await store.transaction(async (inside) => {
          await inside.revoke(session.id, 'signed-out');
          late = write(store, session);
          await untilBlocked(observer, database.name);
        });
        expect(Number(await late)).toBe(0);
        const record = await store.find(session.id);
        expect(record).toMatchObject({
          data: null,
          tokenHash: session.tokenHash,
          session: { revokeReason: 'signed-out', version: 0, generation: 0, ip: null },
        });
      });
    }

    it('is ended by the epoch even if it was issued a moment before and commits a moment later', async () => {
      const session = newSession({ userId: 'racer' });
      await store.transaction(async (inside) => {
        await inside.insert(session);
        await store.raiseEpoch('racer', 'password-changed');
      });
      const record = await store.find(session.id);
      expect(record && sessionState(record, undefined)).toEqual({
        status: 'revoked',
        reason: 'password-changed',
      });
    });

    it('is marked by a later sweep where its row is locked during one', async () => {
      const [locked, free] = [newSession({ userId: 'late' }), newSession({ userId: 'late' })];
      await store.insert(locked);
      await store.insert(free);
      const epoch = await store.raiseEpoch('late', 'password-changed');
      const principal = { userId: 'late', epoch, reason: 'password-changed' };
      await observer.transaction(async (manager) => {
        await manager.query(`update sessions set version = version where id = '${locked.id}'`);
        expect(await store.sweep(principal, 10)).toMatchObject([{ id: free.id }]);
        expect(await store.stalePrincipals(10, { userId: 'late' })).toEqual([principal]);
      });
      expect(await store.sweep(principal, 10)).toMatchObject([{ id: locked.id }]);
      expect(await store.stalePrincipals(10, { userId: 'late' })).toEqual([]);
    });

    it('is not spared by an exception that another raise of the epoch overtakes', async () => {
      const session = newSession({ userId: 'twice' });
      await store.insert(session);
      let second: Promise<unknown> = Promise.resolve();
      await store.transaction(async (inside) => {
        await inside.raiseEpoch('twice', 'first', session.id);
        second = store.raiseEpoch('twice', 'second');
        await untilBlocked(observer, database.name);
      });
      expect(await second).toBe(2);
      const record = await store.find(session.id);
      expect(record && sessionState(record, undefined).status).toBe('revoked');
    });
  },
  ['postgres', 'mariadb'],
);

await describeEachDatabase('writes that meet', (database) => {
  let store: TypeOrmSessionStore;
  let dataSource: DataSource;

  beforeAll(async () => {
    ({ store, dataSource } = await openStore(database, { storeTimeoutMs: 10_000 }));
  });

  for (const [name, write] of Object.entries(LATE_WRITES)) {
    it(`keep a session ended, whichever of revocation and ${name} comes first`, async () => {
      const sessions = Array.from({ length: 20 }, () => newSession());
      await Promise.all(sessions.map((session) => store.insert(session)));
      const revoked = await Promise.all(
        sessions.map(async (session) => {
          const [, ended] = await Promise.all([
            write(store, session),
            store.revoke(session.id, 'signed-out'),
          ]);
          return ended !== undefined;
        }),
      );
      const records = await Promise.all(sessions.map(({ id }) => store.find(id)));
      expect(records.every((record) => record?.session.revokedAt !== null)).toBe(true);
      if (name !== 'second revocation') expect(revoked.every(Boolean)).toBe(true);
    });
  }

  it('lose no key when twenty requests write different ones', async () => {
    const session = newSession();
    await store.insert(session);
    const keys = Array.from({ length: 20 }, (_, index) => `key${index}`);
    const patch = (key: string) =>
      store.update(session.id, { data: { set: { [key]: '1' }, remove: [] } });
    expect(await Promise.all(keys.map(patch))).not.toContain(false);
    const record = await store.find(session.id);
    expect(Object.keys(JSON.parse(record?.data ?? '{}') as object).toSorted()).toEqual(
      [...keys].toSorted(),
    );
    expect(record?.session.version).toBe(20);
  });

  it('give out one new token when many rotate at once', async () => {
    const session = newSession();
    await store.insert(session);
    const hashes = Array.from({ length: 20 }, (_, index) => String(index).padStart(64, '0'));
    const won = await Promise.all(
      hashes.map((tokenHash) =>
        store.update(session.id, {
          rotate: { fromGeneration: 0, fromTokenHash: session.tokenHash, tokenHash },
        }),
      ),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
    const record = await store.find(session.id);
    expect(record?.tokenHash).toBe(hashes[won.indexOf(true)]);
  });

  it('leave no live session of a sign-in that is overtaken by a password change', async () => {
    for (let round = 0; round < 20; round += 1) {
      const id = `changer-${round}`;
      await dataSource.getRepository(Account).save({ id, passwordHash: 'old', isDisabled: false });
      const session = newSession({ userId: id });
      const change = dataSource.transaction(async (manager) => {
        await manager.update(Account, { id }, { passwordHash: 'new' });
        await store.within(manager).raiseEpoch(id, 'password-changed');
      });
      const signIn = store.insert(session, { userId: id, credential: 'old' });
      const [outcome] = await Promise.all([signIn, change]);
      const record = await store.find(session.id);
      const isLive = record !== undefined && sessionState(record, undefined).status === 'active';
      expect({ outcome, isLive }).not.toMatchObject({ isLive: true });
      expect(
        await store.insert(newSession({ userId: id }), { userId: id, credential: 'old' }),
      ).toBe('credential-changed');
      expect(
        await store.insert(newSession({ userId: id }), { userId: id, credential: 'new' }),
      ).toBe('inserted');
    }
  });

  it('return each swept session to one of several sweepers', async () => {
    const sessions = Array.from({ length: 60 }, () => newSession({ userId: 'swept' }));
    await Promise.all(sessions.map((session) => store.insert(session)));
    const epoch = await store.raiseEpoch('swept', 'password-changed');
    const principal = { userId: 'swept', epoch, reason: 'password-changed' };
    const found: string[] = [];
    const sweepAll = async () => {
      for (let left = 10; left > 0; left -= 1) {
        for (const { id } of await store.sweep(principal, 10)) found.push(id);
      }
    };
    await Promise.all([sweepAll(), sweepAll(), sweepAll()]);
    expect(found.toSorted()).toEqual(sessions.map(({ id }) => id).toSorted());
    expect(await store.stalePrincipals(10, { userId: 'swept' })).toEqual([]);
  });
});

await describeEachDatabase(
  'a touch of many sessions',
  (database) => {
    it('locks them in the order of their ids, whatever the order given and the plan', async () => {
      // PostgreSQL would visit the rows as they lie: the later id before the earlier.
      const options = '-c enable_nestloop=off -c enable_mergejoin=off';
      const extra = database.name === 'postgres' ? { options } : {};
      const { store, dataSource } = await openStore(database, {}, { extra });
      const observer = await database.connect();
      const ids = Array.from({ length: 400 }, () => newSession().id).toSorted();
      for (const id of ids.toReversed()) await store.insert(newSession({ id }));
      if (database.name === 'postgres') await dataSource.query('analyze sessions');
      const [first = '', last = ''] = [ids[0], ids.at(-1)];
      let touching: Promise<number> = Promise.resolve(0);
      await observer.transaction(async (manager) => {
        await manager.query(`update sessions set version = version where id = '${first}'`);
        touching = store.touch([last, first].map((id) => touchOf(id)));
        await untilBlocked(observer, database.name);
        const free: unknown = await manager.query(
          `select id from sessions where id = '${last}' for update skip locked`,
        );
        expect(free).toEqual([{ id: last }]);
      });
      expect(await touching).toBe(2);
    });
  },
  ['postgres', 'mariadb'],
);
