import { beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { DataSource, EntitySubscriberInterface } from 'typeorm';

import { hours } from '../../libs/session/src/core/duration.js';
import { LOWEST_ID } from '../../libs/session/src/core/session-id.js';
import type { PurgeRange } from '../../libs/session/src/core/session-store.js';
import { SessionEntity } from '../../libs/session/src/store/session.entity.js';
import type { TypeOrmSessionStore } from '../../libs/session/src/store/typeorm-session-store.js';
import { FakeClock } from '../../libs/session/src/testing/fake-clock.js';
import { describeEachDatabase } from '../support/databases.js';
import { Gate } from '../support/gate.js';
import { newSession } from '../support/new-session.js';
import { openStore } from '../support/session-store.js';

const IDS = ({ id }: { id: string }) => id;

await describeEachDatabase('a purge in the order of ids', (database) => {
  const clock = new FakeClock();
  let store: TypeOrmSessionStore;
  let dataSource: DataSource;
  /** The same database on other connections. */
  let other: { readonly store: TypeOrmSessionStore; readonly dataSource: DataSource };

  beforeAll(async () => {
    ({ store, dataSource } = await openStore(database, { clock }));
    other = await openStore(database, { clock });
  });
  beforeEach(() => dataSource.getRepository(SessionEntity).clear());

  /** Sessions of which the first are due, and the rest live on. @returns their ids, in order. */
  async function insert(due: number, live = 0): Promise<readonly string[]> {
    const sessions = Array.from({ length: due + live }, () => newSession());
    const ids = sessions.map(IDS).toSorted();
    for (const [index, id] of ids.entries()) {
      const absoluteTimeoutMs = index < due ? hours(1) : hours(100);
      await store.insert(newSession({ id, idleTimeoutMs: null, absoluteTimeoutMs }));
    }
    clock.advance(hours(3));
    return ids;
  }

  function purge(after = LOWEST_ID, span = 100, from = store): Promise<PurgeRange> {
    return from.purgeRange({ cutoff: clock.now(), after, span, isNaming: true });
  }

  /** Goes through the table once. @returns the ids of what was deleted. */
  async function walk(span: number, from = store): Promise<readonly string[]> {
    const deleted: string[] = [];
    for (let after: string | null = LOWEST_ID; after !== null;) {
      const range: PurgeRange = await purge(after, span, from);
      deleted.push(...range.sessions.map(IDS));
      after = range.through;
    }
    return deleted;
  }

  async function remaining(): Promise<readonly string[]> {
    const rows = await dataSource.getRepository(SessionEntity).find();
    return rows.map(IDS).toSorted();
  }

  it('deletes each row once when two run at the same time', async () => {
    const ids = await insert(200);
    // In one process two connections to an SQLite file would wait for each other without letting it go on.
    const second = database.name === 'sqlite' ? store : other.store;
    const deleted = await Promise.all([walk(20), walk(30, second)]);
    // What one had locked the other passed over.
    expect([...deleted.flat(), ...(await walk(20))].toSorted()).toEqual(ids);
    expect(await remaining()).toEqual([]);
  });

  it('keeps every session that was extended in time, and says so of no other', async () => {
    const ids = await insert(300);
    const dueAt = clock.now() + hours(5);
    const extended: string[] = [];
    const from = database.name === 'sqlite' ? dataSource : other.dataSource;
    const extend = async () => {
      for (const id of ids.toReversed()) {
        await from.query(`update sessions set purge_at = ${dueAt} where id = '${id}'`);
        if (await from.getRepository(SessionEntity).existsBy({ id })) extended.push(id);
      }
    };
    const [deleted] = await Promise.all([walk(10), extend()]);
    expect(await remaining()).toEqual(extended.toSorted());
    expect([...deleted, ...extended].toSorted()).toEqual(ids);
  });

  if (database.name !== 'sqlite') {
    it.each([true, false])(
      'passes over a row that somebody has locked, and deletes the rest, naming: %j',
      async (isNaming) => {
        const [locked = '', ...free] = await insert(10);
        const request = { cutoff: clock.now(), after: LOWEST_ID, span: 100, isNaming };
        await other.dataSource.transaction(async (manager) => {
          await manager.query(`update sessions set version = version + 1 where id = '${locked}'`);
          const { counts, sessions, through } = await store.purgeRange(request);
          expect(counts).toMatchObject([{ reason: 'absolute-expired', count: 9 }]);
          expect(sessions.map(IDS).toSorted()).toEqual(isNaming ? free : []);
          expect(through).toBeNull();
        });
        expect(await remaining()).toEqual([locked]);
        expect(await walk(100)).toEqual([locked]);
      },
    );

    it('deletes what is due beside a live row that somebody has locked', async () => {
      const ids = await insert(10, 1);
      const live = ids.at(-1) ?? '';
      await other.dataSource.transaction(async (manager) => {
        await manager.query(`update sessions set version = version + 1 where id = '${live}'`);
        expect((await walk(100)).toSorted()).toEqual(ids.slice(0, -1));
      });
      expect(await remaining()).toEqual([live]);
    });

    it('keeps a session whose extension is not committed yet', async () => {
      const [extended = '', ...rest] = await insert(5);
      await other.dataSource.transaction(async (manager) => {
        const dueAt = clock.now() + hours(5);
        await manager.query(`update sessions set purge_at = ${dueAt} where id = '${extended}'`);
        expect((await walk(100)).toSorted()).toEqual(rest);
      });
      expect(await walk(100)).toEqual([]);
      expect(await remaining()).toEqual([extended]);
    });
  }

  if (database.name === 'postgres') {
    it('leaves the connection with the settings that it had', async () => {
      const single = await openStore(database, { clock }, { extra: { max: 1 } });
      await insert(3);
      await walk(100, single.store);
      const names = ['lock_timeout', 'statement_timeout', 'synchronous_commit'];
      const settings = names.map((name) => `current_setting('${name}')`).join(` || ' ' || `);
      const rows = await single.dataSource.query(`select ${settings} as now`);
      expect(rows).toEqual([{ now: '0 0 on' }]);
    });
  }

  if (database.name === 'mariadb') {
    // Where a DELETE has no RETURNING, what goes is locked first.
    it('passes over what is locked where a live row is locked in the middle, as on MySQL', async () => {
      const ids = await insert(5, 1);
      const live = ids.at(-1) ?? '';
      const mysql = await openStore(database, { clock }, { type: 'mysql' });
      const gate = new Gate(/^delete from/);
      mysql.dataSource.subscribers.push(gate as EntitySubscriberInterface);
      const purging = purge(LOWEST_ID, 100, mysql.store);
      await gate.turnstile.entered;
      await other.dataSource.transaction(async (manager) => {
        await manager.query(`update sessions set version = version + 1 where id = '${live}'`);
        gate.turnstile.open();
        expect((await purging).sessions.map(IDS).toSorted()).toEqual(ids.slice(0, -1));
      });
      expect(await remaining()).toEqual([live]);
    });

    it('leaves the connection with the lock wait timeout that it had', async () => {
      const variable = '@@session.innodb_lock_wait_timeout';
      const single = await openStore(database, { clock }, { extra: { connectionLimit: 1 } });
      await single.dataSource.query(`set ${variable} = 42`);
      const [locked = ''] = await insert(3);
      await other.dataSource.transaction(async (manager) => {
        await manager.query(`update sessions set version = version + 1 where id = '${locked}'`);
        await walk(100, single.store);
      });
      const rows = await single.dataSource.query<{ seconds: unknown }[]>(
        `select ${variable} as seconds`,
      );
      // Text or a number, by the driver.
      expect(rows.map(({ seconds }) => Number(seconds))).toEqual([42]);
    });
  }
});
