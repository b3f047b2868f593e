import { beforeAll, expect, it } from '@jest/globals';

import { SessionEntity } from '../../libs/session/src/store/session.entity.js';
import type { TypeOrmSessionStore } from '../../libs/session/src/store/typeorm-session-store.js';
import { describeEachDatabase } from '../support/databases.js';
import { newSession } from '../support/new-session.js';
import { openStore } from '../support/session-store.js';
import { StatementLog } from '../support/statement-log.js';

const log = new StatementLog();

await describeEachDatabase('the statements of the store', (database) => {
  let store: TypeOrmSessionStore;

  beforeAll(async () => {
    ({ store } = await openStore(database, {}, { logger: log, logging: true }));
  });

  async function insertMany(count: number): Promise<readonly string[]> {
    const sessions = Array.from({ length: count }, () => newSession());
    await Promise.all(sessions.map((session) => store.insert(session)));
    return sessions.map(({ id }) => id);
  }

  it('look up a hundred sessions that are asked for together with one', async () => {
    const ids = await insertMany(100);
    const sent = await log.during(async () => {
      const found = await Promise.all(ids.map((id) => store.find(id)));
      expect(found.map((record) => record?.session.id)).toEqual(ids);
    });
    expect(sent).toHaveLength(1);
  });

  it('never hold more than 500 sessions in one look-up', async () => {
    const ids = await insertMany(20);
    const unknown = Array.from({ length: 1000 }, () => newSession().id);
    const sent = await log.during(async () => {
      const found = await Promise.all([...ids, ...unknown].map((id) => store.find(id)));
      expect(found.filter((record) => record !== undefined)).toHaveLength(20);
    });
    expect(sent.length).toBeGreaterThanOrEqual(3);
  });

  it('ask nothing about an id that cannot be one', async () => {
    const sent = await log.during(async () => {
      for (const id of ['', 'x', "' or 1=1 --", '0'.repeat(36), newSession().id.toUpperCase()]) {
        expect(await store.find(id)).toBeUndefined();
        expect(await store.update(id, { persistent: true })).toBe(false);
        expect(await store.revoke(id, 'revoked')).toBeUndefined();
        expect(await store.touch([touchOf(id)])).toBe(0);
      }
    });
    expect(sent).toEqual([]);
  });

  /** Without what MariaDB needs beside, so that an UPDATE locks no more than its session. */
  const writes = (sent: readonly string[]): readonly string[] =>
    database.name === 'mariadb' ? sent.filter((text) => text.startsWith('update')) : sent;

  it('write the touches of many sessions with one', async () => {
    const ids = await insertMany(50);
    const sent = await log.during(async () => {
      await store.touch(ids.map(touchOf));
    });
    expect(writes(sent)).toHaveLength(1);
  });

  it('are one for an insert, a look-up, an update and a list', async () => {
    const session = newSession();
    expect(await log.during(() => store.insert(session))).toHaveLength(1);
    expect(await log.during(() => store.find(session.id))).toHaveLength(1);
    const change = { persistent: true, idleTimeoutMs: 5000 };
    expect(writes(await log.during(() => store.update(session.id, change)))).toHaveLength(1);
    expect(await log.during(() => store.list('ann', { after: null, limit: 5 }))).toHaveLength(1);
  });

  it('end all sessions of a user, and of everyone, by as many, whatever the number of sessions', async () => {
    const ends = [
      () => store.raiseEpoch('ann', 'revoked'),
      () => store.raiseEpoch('ann', 'revoked', newSession().id),
      () => store.raiseEveryonesEpoch('revoked'),
    ];
    const counts = async (): Promise<number[]> => {
      const found: number[] = [];
      for (const end of ends) found.push((await log.during(end)).length);
      return found;
    };
    await store.insert(newSession({ userId: 'ann' }));
    const ofOne = await counts();
    await insertMany(200);
    expect(await counts()).toEqual(ofOne);
    expect(ofOne[2]).toBe(1);
  });

  it('page by the last id and not by how many came before', async () => {
    const after = newSession().id;
    const [statement = ''] = await log.during(() => store.list('ann', { after, limit: 5 }));
    expect(statement).toMatch(/limit/i);
    expect(statement).not.toMatch(/offset/i);
    expect(log.parameters).toContain(after);
  });

  it('find the most overdue row by the index on purge_at', async () => {
    // Of a table with fewer rows the databases read all, for which they need no index.
    for (let count = 0; count < 5; count += 1) await insertMany(100);
    const { dataSource } = await openStore(database);
    const index = dataSource
      .getMetadata(SessionEntity)
      .indices.find(({ columns }) => columns[0]?.propertyName === 'purgeAt');
    const [statement] = await log.during(() => store.oldestOverdueMs());
    const explain = database.name === 'sqlite' ? 'explain query plan' : 'explain';
    const plan = await dataSource.query<unknown>(`${explain} ${statement}`);
    expect(JSON.stringify(plan)).toContain(index?.name);
  });

  it('hold no value that was given', async () => {
    const session = newSession({ userAgent: 'secret-agent', data: '{"a":"secret-value"}' });
    const sent = await log.during(async () => {
      await store.insert(session);
      await store.update(session.id, {
        data: { set: { 'secret-key': '"x"' }, remove: ['secret-old'] },
      });
      await store.list('secret-user', { after: null, limit: 5 });
      await store.raiseEpoch('secret-user', 'secret-reason', session.id);
      await store.revoke(session.id, 'secret-reason');
    });
    expect(sent.filter((statement) => statement.includes('secret'))).toEqual([]);
  });
});

await describeEachDatabase(
  'a data source with a replica',
  (database) => {
    it('is asked on its primary only, in and outside of transactions', async () => {
      const primary = await openStore(database);
      // The replica answers, and knows no table: whoever asks it fails.
      const own = database.options() as { url: string };
      const replica = Object.assign(new URL(own.url), { pathname: REPLICA[database.name] }).href;
      const { store } = await openStore(
        database,
        {},
        {
          url: undefined,
          replication: { master: { url: own.url }, slaves: [{ url: replica }] },
        },
      );
      const session = newSession();
      await store.insert(session);
      expect(await store.find(session.id)).toBeDefined();
      expect(await store.list('ann', { after: null, limit: 5 })).toHaveLength(1);
      expect((await store.statistics()).sessions).toBe(1);
      expect(await store.stalePrincipals(10)).toEqual([]);
      expect(await store.transaction((inside) => inside.find(session.id))).toBeDefined();
      expect(await primary.store.revoke(session.id, 'revoked')).toBeDefined();
    });
  },
  ['postgres', 'mariadb'],
);

const REPLICA = { postgres: '/postgres', mariadb: '/mysql', sqlite: '' };

function touchOf(id: string) {
  return { id, ageMs: 0, idleTimeoutMs: 60_000, ip: null, userAgent: null };
}
