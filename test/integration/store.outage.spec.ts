import { inspect } from 'node:util';

import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';

import { SessionEvents } from '../../libs/session/src/core/session-events.js';
import type { SessionStore } from '../../libs/session/src/core/session-store.js';
import { TypeOrmSessionStore } from '../../libs/session/src/store/typeorm-session-store.js';
import { untilBlocked } from '../support/blocked.js';
import { describeEachDatabase, type DatabaseName } from '../support/databases.js';
import { collectEvents } from '../support/next-event.js';
import { newSession } from '../support/new-session.js';
import { ENTITIES, openStore, STORE_OPTIONS } from '../support/session-store.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const UNAVAILABLE = { code: 'SESSION_STORE_UNAVAILABLE' };
const TIMEOUT_MS = 200;

/** A deadline, and time for a busy machine to notice it. */
const SOON_MS = 1500;

/** The connection of a pool of one, and how another one has the server close it. */
async function connectionOf(dataSource: DataSource, name: DatabaseName) {
  const [own, kill] =
    name === 'postgres'
      ? ['pg_backend_pid()', 'select pg_terminate_backend']
      : ['connection_id()', 'kill '];
  const [row] = await dataSource.query<{ id: unknown }[]>(`select ${own} as id`);
  return { id: String(row?.id), kill };
}

const CALLS: Record<string, (store: SessionStore, id: string) => Promise<unknown>> = {
  now: (store) => store.now(),
  insert: (store) => store.insert(newSession()),
  find: (store, id) => store.find(id),
  update: (store, id) => store.update(id, { persistent: true }),
  touch: (store, id) =>
    store.touch([{ id, ageMs: 0, idleTimeoutMs: 60_000, ip: null, userAgent: null }]),
  revoke: (store, id) => store.revoke(id, 'revoked'),
  raiseEpoch: (store) => store.raiseEpoch('ann', 'revoked'),
  list: (store) => store.list('ann', { after: null, limit: 1 }),
  transaction: (store, id) => store.transaction((inside) => inside.revoke(id, 'revoked')),
};

await describeEachDatabase(
  'an outage of the database',
  (database) => {
    let proxy: TcpProxy;
    let store: TypeOrmSessionStore;
    let dataSource: DataSource;

    beforeAll(async () => {
      await openStore(database);
      const { url } = database.options() as { url: string };
      proxy = await TcpProxy.start(url);
      const throughProxy = { url: proxy.through(url), connectTimeout: 5000 };
      const options = { storeTimeoutMs: TIMEOUT_MS };
      ({ store, dataSource } = await openStore(database, options, throughProxy));
    });
    afterEach(() => heal());

    /** Connections that broke are noticed one by one, by the call that uses them. */
    async function heal(): Promise<void> {
      await proxy.heal();
      for (let attempts = 0; attempts < 20; attempts += 1) await store.now().catch(() => {});
    }

    for (const [name, call] of Object.entries(CALLS)) {
      it(`lets ${name} fail within its deadline when the server hangs, and work when it is back`, async () => {
        const session = newSession();
        await store.insert(session);
        proxy.freeze();
        const startedAt = performance.now();
        await expect(call(store, session.id)).rejects.toMatchObject(UNAVAILABLE);
        expect(performance.now() - startedAt).toBeLessThan(SOON_MS);
        await heal();
        await expect(call(store, session.id)).resolves.toBeDefined();
      });
    }

    it('rejects every look-up of a statement that hangs, and no later one', async () => {
      const ids = Array.from({ length: 20 }, () => newSession().id);
      proxy.freeze();
      const outcomes = await Promise.allSettled(ids.map((id) => store.find(id)));
      expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
      await heal();
      expect(await Promise.all(ids.map((id) => store.find(id)))).toHaveLength(20);
    });

    it('lets calls fail at once when connections break, and names no statement', async () => {
      const session = newSession();
      await store.insert(session);
      proxy.cut();
      const error = await store.find(session.id).catch((caught: unknown) => caught);
      expect(error).toMatchObject(UNAVAILABLE);
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('select');
      await heal();
      expect(await store.find(session.id)).toBeDefined();
    });

    it('is announced once, and so is its end', async () => {
      const events = new SessionEvents();
      const options = { ...STORE_OPTIONS, storeTimeoutMs: TIMEOUT_MS };
      const watched = new TypeOrmSessionStore(dataSource, options, events);
      const unavailable = collectEvents(events, 'store:unavailable');
      const recovered = collectEvents(events, 'store:recovered');
      await watched.now();
      expect([unavailable, recovered]).toEqual([[], []]);
      proxy.freeze();
      await Promise.allSettled([watched.now(), watched.find(newSession().id), watched.now()]);
      expect(unavailable).toEqual([{ error: expect.objectContaining(UNAVAILABLE) }]);
      expect(recovered).toEqual([]);
      await heal();
      await watched.now();
      await watched.now();
      expect([unavailable.length, recovered]).toEqual([1, [{}]]);
    });

    it('is not announced for a statement that the database refuses', async () => {
      const events = new SessionEvents();
      const watched = new TypeOrmSessionStore(dataSource, STORE_OPTIONS, events);
      const unavailable = collectEvents(events, 'store:unavailable');
      const session = newSession();
      await watched.insert(session);
      await expect(watched.insert(session)).rejects.toMatchObject(UNAVAILABLE);
      expect(unavailable).toEqual([]);
    });

    afterAll(() => proxy.close());
  },
  ['postgres', 'mariadb'],
);

await describeEachDatabase(
  'a pool of one connection',
  (database) => {
    let other: DataSource;
    let dataSource: DataSource;
    let store: TypeOrmSessionStore;

    beforeAll(async () => {
      ({ dataSource: other } = await openStore(database));
      const one = { poolSize: 1 };
      ({ dataSource, store } = await openStore(database, { storeTimeoutMs: TIMEOUT_MS }, one));
    });

    it('survives a statement that waits for a lock longer than the deadline', async () => {
      const session = newSession();
      await store.insert(session);
      await other.transaction(async (manager) => {
        await manager.query(`update sessions set version = version where id = '${session.id}'`);
        await expect(store.revoke(session.id, 'revoked')).rejects.toMatchObject(UNAVAILABLE);
        expect(await store.find(session.id)).toBeDefined();
      });
      expect(await store.list('ann', { after: null, limit: 10 })).toBeDefined();
    });

    it('is replaced at once where the server closes it in the middle of a statement', async () => {
      const session = newSession();
      await store.insert(session);
      const patient = new TypeOrmSessionStore(dataSource, {
        ...STORE_OPTIONS,
        storeTimeoutMs: 10_000,
      });
      const { id, kill } = await connectionOf(dataSource, database.name);
      await other.transaction(async (manager) => {
        await manager.query(`update sessions set version = version where id = '${session.id}'`);
        const refused = patient.revoke(session.id, 'revoked').catch((error: unknown) => error);
        await untilBlocked(other, database.name);
        await other.query(`${kill}(${id})`);
        expect(await refused).toMatchObject(UNAVAILABLE);
        expect(await patient.find(session.id)).toBeDefined();
      });
      expect((await connectionOf(dataSource, database.name)).id).not.toBe(id);
    });

    it('is not waited for longer than the deadline, and nothing leaks meanwhile', async () => {
      const session = newSession();
      await store.insert(session);
      await dataSource.transaction(async () => {
        await expect(store.find(session.id)).rejects.toMatchObject(UNAVAILABLE);
        const inTransaction = store.transaction((inside) => inside.find(session.id));
        await expect(inTransaction).rejects.toMatchObject(UNAVAILABLE);
      });
      expect(await store.find(session.id)).toBeDefined();
      expect(await store.revoke(session.id, 'revoked')).toBeDefined();
    });
  },
  ['postgres', 'mariadb'],
);

await describeEachDatabase('a failure of a statement', (database) => {
  it('names the cure where the tables are missing', async () => {
    const dataSource = await database.connect({ entities: ENTITIES });
    const store = new TypeOrmSessionStore(dataSource, STORE_OPTIONS);
    for (const call of Object.values(CALLS).slice(1)) {
      await expect(call(store, newSession().id)).rejects.toMatchObject({
        code: 'SESSION_SCHEMA_MISSING',
        message: expect.stringContaining('runSessionMigrations'),
      });
    }
  });

  it('carries neither the statement nor what it bound', async () => {
    const { store } = await openStore(database);
    const session = newSession({ userAgent: 'the-user-agent' });
    await store.insert(session);
    const error = await store.insert(session).catch((caught: unknown) => caught);
    expect(error).toMatchObject(UNAVAILABLE);
    const everything = inspect(error, { depth: 10, showHidden: true });
    for (const secret of [session.tokenHash, 'the-user-agent', session.id, 'insert into']) {
      expect(everything).not.toContain(secret);
    }
    expect(everything).toMatch(/23505|ER_DUP_ENTRY|SQLITE_CONSTRAINT/);
  });

  it('is an outage where the data source was closed', async () => {
    const { store, dataSource } = await openStore(database);
    await dataSource.destroy();
    await expect(store.find(newSession().id)).rejects.toMatchObject(UNAVAILABLE);
    await expect(store.insert(newSession())).rejects.toMatchObject(UNAVAILABLE);
  });
});
