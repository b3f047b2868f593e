import { beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { DataSource, EntitySubscriberInterface } from 'typeorm';

import { hours } from '../../libs/session/src/core/duration.js';
import { SessionEntity } from '../../libs/session/src/store/session.entity.js';
import type { TypeOrmSessionStore } from '../../libs/session/src/store/typeorm-session-store.js';
import { FakeClock } from '../../libs/session/src/testing/fake-clock.js';
import { describeEachDatabase } from '../support/databases.js';
import { Gate } from '../support/gate.js';
import { newSession } from '../support/new-session.js';
import { openStore } from '../support/session-store.js';

const IDS = ({ id }: { id: string }) => id;

await describeEachDatabase('the purge', (database) => {
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

  /** Sessions whose rows are due, in the order of their ids. */
  async function insertOverdue(count: number): Promise<readonly string[]> {
    const sessions = Array.from({ length: count }, () =>
      newSession({ idleTimeoutMs: null, absoluteTimeoutMs: hours(1) }),
    );
    for (const session of sessions) await store.insert(session);
    clock.advance(hours(3));
    return sessions.map(IDS).toSorted();
  }

  async function purge(limit = 100, from = store) {
    return from.purgeBatch({ cutoff: clock.now(), watermark: 0, limit });
  }

  async function remaining(): Promise<readonly string[]> {
    const rows = await dataSource.getRepository(SessionEntity).find();
    return rows.map(IDS).toSorted();
  }

  it('deletes each row once when two run at the same time', async () => {
    const ids = await insertOverdue(200);
    const deleted: string[] = [];
    const run = async (from: TypeOrmSessionStore) => {
      for (let batches = 12; batches > 0; batches -= 1) {
        deleted.push(...(await purge(20, from)).deleted.map(IDS));
      }
    };
    // In one process two connections to an SQLite file would wait for each other without letting it go on.
    await Promise.all([run(store), run(database.name === 'sqlite' ? store : other.store)]);
    expect(deleted.toSorted()).toEqual(ids);
    expect(await remaining()).toEqual([]);
  });

  if (database.name !== 'sqlite') {
    it('passes over a row that somebody has locked, and deletes the rest', async () => {
      const [locked = '', ...free] = await insertOverdue(10);
      await other.dataSource.transaction(async (manager) => {
        await manager.query(`update sessions set version = version + 1 where id = '${locked}'`);
        const { deleted } = await purge();
        expect(deleted.map(IDS).toSorted()).toEqual(free);
      });
      expect(await remaining()).toEqual([locked]);
      expect((await purge()).deleted.map(IDS)).toEqual([locked]);
    });

    it('keeps a session whose extension is not committed yet', async () => {
      const [extended = '', ...rest] = await insertOverdue(5);
      await other.dataSource.transaction(async (manager) => {
        const due = clock.now() + hours(5);
        await manager.query(`update sessions set purge_at = ${due} where id = '${extended}'`);
        expect((await purge()).deleted.map(IDS).toSorted()).toEqual(rest);
      });
      await purge();
      expect(await remaining()).toEqual([extended]);
    });
  }

  if (database.name === 'mariadb') {
    it('keeps a session that is extended between its selection and its deletion', async () => {
      const [extended = '', ...rest] = await insertOverdue(5);
      const gate = new Gate(/^select .* for update/);
      dataSource.subscribers.push(gate as EntitySubscriberInterface);
      const purging = purge();
      await gate.turnstile.entered;
      const due = clock.now() + hours(5);
      await other.dataSource.query(
        `update sessions set purge_at = ${due} where id = '${extended}'`,
      );
      gate.turnstile.open();
      const { deleted, selected } = await purging;
      dataSource.subscribers.pop();
      expect(selected).toBe(5);
      expect(deleted.map(IDS).toSorted()).toEqual(rest);
      expect(await remaining()).toEqual([extended]);
    });
  }

  it('tells what it deleted and why', async () => {
    const revoked = newSession({ userId: 'ann' });
    const idle = newSession({ idleTimeoutMs: hours(1), userId: null });
    const absolute = newSession({ idleTimeoutMs: hours(1), absoluteTimeoutMs: hours(1) });
    for (const session of [revoked, idle, absolute]) await store.insert(session);
    await store.revoke(revoked.id, 'signed-out');
    clock.advance(hours(5));
    const { deleted } = await purge();
    const reasons = Object.fromEntries(
      deleted.map(({ id, userId, reason }) => [id, { userId, reason }]),
    );
    expect(reasons).toEqual({
      [revoked.id]: { userId: 'ann', reason: 'signed-out' },
      [idle.id]: { userId: null, reason: 'idle-expired' },
      [absolute.id]: { userId: 'ann', reason: 'absolute-expired' },
    });
  });
});
