import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DataSource, DefaultNamingStrategy, type NamingStrategyInterface } from 'typeorm';

import {
  revertSessionMigrations,
  runSessionMigrations,
  sessionMigrations,
} from '../../libs/session/src/migrations.js';
import { SessionPrincipalEntity } from '../../libs/session/src/store/session-principal.entity.js';
import { SessionEntity } from '../../libs/session/src/store/session.entity.js';
import { TypeOrmSessionStore } from '../../libs/session/src/store/typeorm-session-store.js';
import { describeEachDatabase, type TestDatabase } from '../support/databases.js';
import { newSession } from '../support/new-session.js';
import { STORE_OPTIONS } from '../support/session-store.js';

const entities = [SessionEntity, SessionPrincipalEntity];
const NAME = 'CreateSessions1763700000000';

class ShoutingNames extends DefaultNamingStrategy implements NamingStrategyInterface {
  override tableName(_target: string, given: string | undefined): string {
    return `T_${given}`;
  }

  override columnName(_property: string, given: string | undefined): string {
    return `C ${given}`.toUpperCase();
  }
}

/** What TypeORM would change to make the tables those of the entities. */
async function schemaDifference(dataSource: DataSource): Promise<readonly string[]> {
  const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
  return upQueries.map(({ query }) => query);
}

const TABLES = {
  postgres:
    'select table_name as name from information_schema.tables where table_schema = current_schema()',
  mariadb:
    'select table_name as name from information_schema.tables where table_schema = database()',
  sqlite: `select name from sqlite_master where type = 'table'`,
};

async function tableNames(
  { name }: TestDatabase,
  dataSource: DataSource,
): Promise<readonly string[]> {
  const rows: unknown = await dataSource.query(TABLES[name]);
  return (rows as { name: string }[])
    .map((row) => row.name)
    .filter((table) => /session/i.test(table))
    .toSorted();
}

await describeEachDatabase('the migrations', (database) => {
  let dataSource: DataSource;

  beforeAll(async () => {
    dataSource = await database.connect({ entities });
  });
  beforeEach(() => revertSessionMigrations(dataSource));

  it('make the tables once and nothing the second time', async () => {
    expect(await runSessionMigrations(dataSource)).toEqual([NAME]);
    expect(await runSessionMigrations(dataSource)).toEqual([]);
  });

  it('make the very tables of the entities', async () => {
    await runSessionMigrations(dataSource);
    expect(await schemaDifference(dataSource)).toEqual([]);
  });

  it('go up, down and up again', async () => {
    await runSessionMigrations(dataSource);
    await revertSessionMigrations(dataSource);
    expect(await tableNames(database, dataSource)).toEqual([]);
    expect(await runSessionMigrations(dataSource)).toEqual([NAME]);
    await expectWorkingStore(dataSource);
  });

  it('run once when twenty processes start together', async () => {
    const others = await connectMany(database, 4);
    const runs = Array.from({ length: 20 }, (_, index) =>
      runSessionMigrations(others[index % others.length] ?? dataSource),
    );
    expect((await Promise.all(runs)).flat()).toEqual([NAME]);
    await expectWorkingStore(dataSource);
  });

  it('finish what was cut short before it was written down', async () => {
    await runSessionMigrations(dataSource);
    await dataSource.query('drop table session_principals');
    await dataSource.query('drop table session_migrations');
    expect(await runSessionMigrations(dataSource)).toEqual([NAME]);
    await expectWorkingStore(dataSource);
  });

  it('run in the history of the application, up and down', async () => {
    const own = await database.connect({ entities, migrations: sessionMigrations });
    await own.runMigrations();
    expect(await schemaDifference(own)).toEqual([]);
    await expectWorkingStore(own);
    await own.undoLastMigration();
    expect(await tableNames(database, own)).toEqual([]);
  });

  it('respect a prefix and a naming strategy, and so does the store', async () => {
    const renamed = await database.connect({
      entities,
      entityPrefix: 'app_',
      namingStrategy: new ShoutingNames(),
    });
    await runSessionMigrations(renamed);
    expect(await tableNames(database, renamed)).toEqual([
      'app_T_session_principals',
      'app_T_sessions',
      'app_session_migrations',
    ]);
    expect(await schemaDifference(renamed)).toEqual([]);
    await expectWorkingStore(renamed);
    await revertSessionMigrations(renamed);
  });

  it('work on a data source with a name, and leave the default one alone', async () => {
    const named = await database.connect({ entities, entityPrefix: 'named_', name: 'sessions' });
    await runSessionMigrations(named);
    await expectWorkingStore(named);
    expect(await tableNames(database, dataSource)).not.toContain('sessions');
    await revertSessionMigrations(named);
  });

  it('say which entities are missing', async () => {
    const bare = await database.connect({ entities: [] });
    await expect(runSessionMigrations(bare)).rejects.toMatchObject({
      code: 'SESSION_OPTIONS_INVALID',
    });
  });
});

await describeEachDatabase(
  'the migrations in a schema',
  (database) => {
    it('make the schema and the tables in it, and the store finds them', async () => {
      const dataSource = await database.connect({ entities, schema: 'auth' });
      await runSessionMigrations(dataSource);
      const found: unknown = await dataSource.query(
        `select table_schema from information_schema.tables where table_name = 'sessions'`,
      );
      expect(found).toEqual([{ table_schema: 'auth' }]);
      expect(await schemaDifference(dataSource)).toEqual([]);
      await expectWorkingStore(dataSource);
    });

    it('leave room on each page for the next version of a row', async () => {
      const dataSource = await database.connect({ entities });
      await runSessionMigrations(dataSource);
      const found: unknown = await dataSource.query(
        `select reloptions from pg_class where oid = 'public.sessions'::regclass`,
      );
      expect(found).toEqual([{ reloptions: ['fillfactor=85'] }]);
    });
  },
  ['postgres'],
);

await describeEachDatabase(
  'the migrations for a server that TypeORM takes for MySQL',
  (database) => {
    it('keep a key of text as it is, and make a working store', async () => {
      const dataSource = await database.connect({ entities, type: 'mysql' });
      await runSessionMigrations(dataSource);
      // The rest of the difference is MariaDB's: the driver for MySQL misreads its defaults and its JSON.
      const changes = (await schemaDifference(dataSource)).filter((query) =>
        /(CHANGE|COLUMN) `id`/.test(query),
      );
      expect(changes).toEqual([]);
      await expectWorkingStore(dataSource);
    });
  },
  ['mariadb'],
);

describe('a database that the store has no dialect for', () => {
  it('is refused by name', () => {
    const dataSource = { options: { type: 'mssql' } } as DataSource;
    expect(() => new TypeOrmSessionStore(dataSource, STORE_OPTIONS)).toThrow(
      expect.objectContaining({ code: 'SESSION_DATABASE_UNSUPPORTED' }),
    );
  });
});

async function connectMany(database: TestDatabase, count: number): Promise<readonly DataSource[]> {
  return Promise.all(Array.from({ length: count }, () => database.connect({ entities })));
}

async function expectWorkingStore(dataSource: DataSource): Promise<void> {
  const store = new TypeOrmSessionStore(dataSource, STORE_OPTIONS);
  const session = newSession({ amr: ['pwd'], data: '{"cart":1}' });
  await store.insert(session);
  await store.raiseEpoch('someone-else', 'password-changed');
  expect(await store.update(session.id, { data: { set: { step: '2' }, remove: [] } })).toBe(true);
  expect(await store.list('ann', { after: null, limit: 10 })).toHaveLength(1);
  expect(await store.revoke(session.id, 'signed-out')).toEqual({
    id: session.id,
    userId: 'ann',
    reason: 'signed-out',
  });
}
