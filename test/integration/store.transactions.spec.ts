import { beforeAll, expect, it } from '@jest/globals';
import type { DataSource, EntitySubscriberInterface } from 'typeorm';

import type { TypeOrmSessionStore } from '../../libs/session/src/store/typeorm-session-store.js';
import { describeEachDatabase } from '../support/databases.js';
import { newSession } from '../support/new-session.js';
import { openStore } from '../support/session-store.js';
import { Turnstile } from '../support/turnstile.js';

class Undo extends Error {}

await describeEachDatabase("the application's transaction", (database) => {
  let store: TypeOrmSessionStore;
  let dataSource: DataSource;

  beforeAll(async () => {
    ({ store, dataSource } = await openStore(database));
  });

  it('takes the writes of the store with it when it is rolled back', async () => {
    const session = newSession();
    await store.insert(session);
    const undone = dataSource.transaction(async (manager) => {
      const inside = store.within(manager);
      await inside.revoke(session.id, 'signed-out');
      await inside.raiseEpoch('ann', 'password-changed');
      expect((await inside.find(session.id))?.session.revokeReason).toBe('signed-out');
      throw new Undo();
    });
    await expect(undone).rejects.toThrow(Undo);
    const record = await store.find(session.id);
    expect(record).toMatchObject({ requiredEpoch: 0, session: { revokedAt: null } });
  });

  it('takes statements of the store that come all at once, one after another', async () => {
    let [underWay, mostUnderWay] = [0, 0];
    const counting = {
      beforeQuery() {
        mostUnderWay = Math.max(mostUnderWay, (underWay += 1));
      },
      afterQuery() {
        underWay -= 1;
      },
    };
    dataSource.subscribers.push(counting as EntitySubscriberInterface);
    await dataSource.transaction(async (manager) => {
      const users = ['dora', 'emil', 'finn'];
      const epochs = users.map((userId) => store.within(manager).raiseEpoch(userId, 'revoked'));
      expect(await Promise.all(epochs)).toEqual([1, 1, 1]);
    });
    dataSource.subscribers.pop();
    expect(mostUnderWay).toBe(1);
  });

  it('calls back after its commit and not before', async () => {
    const calls: string[] = [];
    await dataSource.transaction(async (manager) => {
      store.within(manager).afterCommit(() => calls.push('first'));
      await store.within(manager).transaction(async (nested) => {
        nested.afterCommit(() => calls.push('second'));
      });
      await manager.query('select 1');
      expect(calls).toEqual([]);
    });
    expect(calls).toEqual(['first', 'second']);
  });

  it('calls nothing back after its rollback, nor with the next commit', async () => {
    const calls: string[] = [];
    const undone = dataSource.transaction(async (manager) => {
      store.within(manager).afterCommit(() => calls.push('never'));
      throw new Undo();
    });
    await expect(undone).rejects.toThrow(Undo);
    await dataSource.transaction((manager) => manager.query('select 1'));
    expect(calls).toEqual([]);
  });

  it('calls back what a savepoint kept, and nothing of one that was rolled back', async () => {
    const calls: string[] = [];
    await dataSource.transaction(async (manager) => {
      await manager.transaction(async (kept) => {
        store.within(kept).afterCommit(() => calls.push('kept'));
      });
      const undone = manager.transaction(async (lost) => {
        store.within(lost).afterCommit(() => calls.push('lost'));
        throw new Undo();
      });
      await expect(undone).rejects.toThrow(Undo);
      expect(calls).toEqual([]);
    });
    expect(calls).toEqual(['kept']);
  });

  it('is none where the manager of the data source is given', async () => {
    const calls: string[] = [];
    const inside = store.within(dataSource.manager);
    inside.afterCommit(() => calls.push('at once'));
    expect(calls).toEqual(['at once']);
    expect(await inside.raiseEpoch('bob', 'password-changed')).toBe(1);
  });

  it('is none on a connection that has not begun one: the store begins its own there', async () => {
    const queryRunner = dataSource.createQueryRunner();
    const calls: string[] = [];
    const inside = store.within(queryRunner.manager);
    const undone = inside.transaction(async (nested) => {
      nested.afterCommit(() => calls.push('never'));
      await nested.raiseEpoch('cid', 'password-changed');
      throw new Undo();
    });
    await expect(undone).rejects.toThrow(Undo);
    expect(await inside.raiseEpoch('cid', 'password-changed')).toBe(1);
    expect(calls).toEqual([]);
    await queryRunner.release();
  });

  it('cannot be told from what is no transaction of TypeORM', () => {
    expect(() => store.within({ query: async () => [] })).toThrow(
      expect.objectContaining({ code: 'SESSION_OPTIONS_INVALID' }),
    );
  });

  it("tells the time of the database's clock, whatever the zone of the connection", async () => {
    const zone = {
      postgres: `set local time zone 'Asia/Tokyo'`,
      mariadb: `set time_zone = '+09:00'`,
      sqlite: 'select 1',
    };
    await dataSource.transaction(async (manager) => {
      await manager.query(zone[database.name]);
      const now = await store.within(manager).now();
      if (database.name === 'mariadb') await manager.query(`set time_zone = default`);
      expect(Math.abs(now - Date.now())).toBeLessThan(60_000);
    });
  });
});

await describeEachDatabase(
  'transactions of the store that deadlock',
  (database) => {
    it('are run again until both have committed', async () => {
      const { store } = await openStore(database, { storeTimeoutMs: 10_000 });
      const [a, b] = [newSession(), newSession()];
      await store.insert(a);
      await store.insert(b);
      const barrier = [new Turnstile(), new Turnstile()] as const;
      let runs = 0;
      const crossing = (
        first: string,
        second: string,
        [mine, theirs]: readonly [Turnstile, Turnstile],
      ) =>
        store.transaction(async (inside) => {
          runs += 1;
          await inside.update(first, { data: { set: { first: '1' }, remove: [] } });
          mine.open();
          await theirs.pass();
          await inside.update(second, { data: { set: { second: '1' }, remove: [] } });
        });
      await Promise.all([
        crossing(a.id, b.id, [barrier[0], barrier[1]]),
        crossing(b.id, a.id, [barrier[1], barrier[0]]),
      ]);
      expect(runs).toBe(3);
      const both = await Promise.all([store.find(a.id), store.find(b.id)]);
      expect(both.map((record) => JSON.parse(record?.data ?? '{}'))).toEqual([
        { first: 1, second: 1 },
        { first: 1, second: 1 },
      ]);
      expect(both.map((record) => record?.session.version)).toEqual([2, 2]);
    });
  },
  ['postgres', 'mariadb'],
);
