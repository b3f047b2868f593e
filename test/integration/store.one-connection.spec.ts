import { beforeAll, describe, expect, it } from '@jest/globals';
import BetterSqlite3 from 'better-sqlite3';
import { In, type DataSource, type EntitySubscriberInterface, type QueryRunner } from 'typeorm';

import { TypeOrmSessionStore } from '../../libs/session/src/store/typeorm-session-store.js';
import { Account } from '../support/account.entity.js';
import { describeEachDatabase } from '../support/databases.js';
import { newSession } from '../support/new-session.js';
import { nextTurn } from '../support/next-turn.js';
import { openStore, STORE_OPTIONS } from '../support/session-store.js';
import { Turnstile } from '../support/turnstile.js';

const UNAVAILABLE = { code: 'SESSION_STORE_UNAVAILABLE' };

class Undo extends Error {}

function account(id: string): Account {
  return { id, passwordHash: 'x', isDisabled: false };
}

await describeEachDatabase(
  'the one connection',
  (database) => {
    let store: TypeOrmSessionStore;
    let dataSource: DataSource;

    beforeAll(async () => {
      ({ store, dataSource } = await openStore(database, { storeTimeoutMs: 300 }));
    });

    it('keeps other writes of the store out of a transaction of the store', async () => {
      const [inside, outside] = [newSession(), newSession()];
      const turnstile = new Turnstile();
      const undone = store.transaction(async (transaction) => {
        await transaction.insert(inside);
        await turnstile.pass();
        throw new Undo();
      });
      await turnstile.entered;
      const inserted = store.insert(outside);
      const found = store.find(inside.id);
      turnstile.open();
      await expect(undone).rejects.toThrow(Undo);
      await inserted;
      expect(await found).toBeUndefined();
      expect(await store.find(outside.id)).toBeDefined();
    });

    it('runs the transactions of the store one after another', async () => {
      const sessions = Array.from({ length: 10 }, () => newSession({ userId: 'queue' }));
      const outcomes = await Promise.allSettled(
        sessions.map((session, index) =>
          store.transaction(async (inside) => {
            await inside.insert(session);
            if (index % 2 === 1) throw new Undo();
          }),
        ),
      );
      expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(5);
      const listed = await store.list('queue', { after: null, limit: 20 });
      expect(listed.map(({ id }) => id)).toEqual(
        sessions
          .filter((_, index) => index % 2 === 0)
          .map(({ id }) => id)
          .toSorted(),
      );
    });

    it.each(['first', 'second'])(
      'takes turns with a %s store on the same data source',
      async (which) => {
        const other = new TypeOrmSessionStore(dataSource, STORE_OPTIONS);
        const [holding, waiting] = which === 'first' ? [other, store] : [store, other];
        const session = newSession();
        const turnstile = new Turnstile();
        const undone = holding.transaction(async () => {
          await turnstile.pass();
          throw new Undo();
        });
        await turnstile.entered;
        const inserted = waiting.transaction((inside) => inside.insert(session));
        await nextTurn();
        turnstile.open();
        await expect(undone).rejects.toThrow(Undo);
        await inserted;
        expect(await store.find(session.id)).toBeDefined();
      },
    );

    it("keeps writes of the store out of the application's transactions", async () => {
      const session = newSession();
      await store.insert(session);
      const turnstile = new Turnstile();
      const undone = dataSource.transaction(async () => {
        await turnstile.pass();
        throw new Undo();
      });
      await turnstile.entered;
      const revoking = store.revoke(session.id, 'signed-out');
      turnstile.open();
      await expect(undone).rejects.toThrow(Undo);
      expect(await revoking).toBeDefined();
      expect((await store.find(session.id))?.session.revokeReason).toBe('signed-out');
    });

    describe.each([
      ['a save', (id: string) => dataSource.manager.save(Account, account(id))],
      ['a statement', (id: string) => dataSource.manager.insert(Account, account(id))],
      ['SQL', (id: string) => dataSource.query(`insert into accounts values ('${id}', 'x', 0)`)],
    ])('%s of the application', (kind, write) => {
      it('is not gone with a transaction of the store', async () => {
        const turnstile = new Turnstile();
        const undone = store.transaction(async (inside) => {
          await inside.insert(newSession());
          await turnstile.pass();
          throw new Undo();
        });
        await turnstile.entered;
        const written = write(kind);
        await nextTurn();
        turnstile.open();
        await expect(undone).rejects.toThrow(Undo);
        await written;
        expect(await dataSource.manager.existsBy(Account, { id: kind })).toBe(true);
      });

      it('comes before or after a transaction of the store, whenever they begin', async () => {
        const ids = Array.from({ length: 60 }, (_, index) => `${kind} ${index}`);
        for (const [steps, id] of ids.entries()) {
          const undone = store.transaction(async (inside) => {
            await inside.insert(newSession({ userId: id }));
            throw new Undo();
          });
          for (let step = 0; step < steps; step += 1) await Promise.resolve();
          const written = write(id);
          await expect(undone).rejects.toThrow(Undo);
          await written;
          expect(await store.list(id, { after: null, limit: 1 })).toEqual([]);
        }
        expect(await dataSource.manager.countBy(Account, { id: In(ids) })).toBe(ids.length);
      });
    });

    it('is not taken from a statement of the application on its way', async () => {
      const turnstile = new Turnstile();
      const delaying = {
        beforeQuery: ({ query }: { query: string }) =>
          /^insert into "?accounts/i.test(query) ? turnstile.pass() : undefined,
      };
      dataSource.subscribers.push(delaying as EntitySubscriberInterface);
      const inserted = dataSource.manager.insert(Account, account('on its way'));
      await turnstile.entered;
      dataSource.subscribers.pop();
      const undone = store.transaction(async () => {
        await inserted;
        throw new Undo();
      });
      await nextTurn();
      turnstile.open();
      await expect(undone).rejects.toThrow(Undo);
      expect(await dataSource.manager.existsBy(Account, { id: 'on its way' })).toBe(true);
    });

    it('is shared with what a subscriber sends because of a statement of the store', async () => {
      const counts: unknown[] = [];
      const counting = {
        async afterQuery({ query, queryRunner }: { query: string; queryRunner: QueryRunner }) {
          if (!query.startsWith('insert')) return;
          counts.push(await queryRunner.query('select count(*) as "count" from accounts where 0'));
        },
      };
      dataSource.subscribers.push(counting as EntitySubscriberInterface);
      const inserted = store.transaction((inside) => inside.insert(newSession()));
      await inserted.finally(() => dataSource.subscribers.pop());
      expect(counts).toEqual([[{ count: 0 }]]);
    });

    it("is refused in the application's transaction without its manager, by the deadline", async () => {
      await dataSource.transaction(async (manager) => {
        await expect(store.raiseEpoch('ann', 'password-changed')).rejects.toMatchObject({
          ...UNAVAILABLE,
          message: expect.stringContaining('manager'),
        });
        expect(await store.within(manager).raiseEpoch('ann', 'password-changed')).toBe(1);
      });
      expect(await store.raiseEpoch('ann', 'password-changed')).toBe(2);
    });

    it('stays with the next transaction where one fails to roll back', async () => {
      const failing = {
        async afterQuery({ query }: { query: string }) {
          if (query === 'ROLLBACK') throw new Undo();
        },
      };
      const turnstile = new Turnstile();
      dataSource.subscribers.push(failing as EntitySubscriberInterface);
      const failed = store.transaction(() => Promise.reject(new Undo()));
      const undone = store.transaction(async () => {
        await turnstile.pass();
        throw new Undo();
      });
      await expect(failed).rejects.toThrow(Undo);
      dataSource.subscribers.pop();
      await turnstile.entered;
      const inserted = dataSource.manager.insert(Account, account('next'));
      await nextTurn();
      turnstile.open();
      await expect(undone).rejects.toThrow(Undo);
      await inserted;
      expect(await dataSource.manager.existsBy(Account, { id: 'next' })).toBe(true);
    });

    it('is given up by a transaction that fails to begin', async () => {
      const failing = {
        async afterQuery({ query }: { query: string }) {
          if (query.startsWith('BEGIN')) throw new Undo();
        },
      };
      dataSource.subscribers.push(failing as EntitySubscriberInterface);
      await expect(store.transaction((inside) => inside.now())).rejects.toMatchObject(UNAVAILABLE);
      dataSource.subscribers.pop();
      expect(await store.transaction((inside) => inside.now())).toBeGreaterThan(0);
    });
  },
  ['sqlite'],
);

await describeEachDatabase(
  'a file that another process writes',
  (database) => {
    it('is waited for and written', async () => {
      const { database: path } = database.options() as { database: string };
      const { store, dataSource } = await openStore(database, {}, { timeout: 10 });
      const other = new BetterSqlite3(path);
      other.exec('begin immediate');
      const unlocking = {
        // The first failure lets the other writer finish.
        afterQuery: ({ success }: { success: boolean }) => void (success || other.exec('commit')),
      };
      dataSource.subscribers.push(unlocking as EntitySubscriberInterface);
      const session = newSession();
      expect(await store.insert(session)).toBe('inserted');
      other.close();
      expect(await store.find(session.id)).toBeDefined();
    });
  },
  ['sqlite'],
);
