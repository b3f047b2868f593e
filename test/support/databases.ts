import { randomBytes } from 'node:crypto';

import { afterAll, beforeAll, describe } from '@jest/globals';
import { DataSource, type DataSourceOptions } from 'typeorm';

import { absent, isRequired } from './absent-server.js';
import { findMariadb, findPostgres, findSqlite, type DatabaseServer } from './database-servers.js';

const FINDERS = { postgres: findPostgres, mariadb: findMariadb, sqlite: findSqlite };

export type DatabaseName = keyof typeof FINDERS;

/** An empty database of this test file, on one server. Created before its tests and dropped after them. */
export interface TestDatabase {
  readonly name: DatabaseName;
  /** Options of a data source on the database, with whatever `extra` overrides. For use inside tests and hooks. */
  options(extra?: Record<string, unknown>): DataSourceOptions;
  /** A connected data source, destroyed after the last test of the block. */
  connect(extra?: Record<string, unknown>): Promise<DataSource>;
}

const servers = new Map<DatabaseName, Promise<DatabaseServer | undefined>>();

function serverOf(name: DatabaseName): Promise<DatabaseServer | undefined> {
  const found = servers.get(name) ?? FINDERS[name]();
  servers.set(name, found);
  return found;
}

/**
 * Describes the same behaviour on PostgreSQL, MariaDB and SQLite, each with a database of its own. A server that cannot
 * be found is skipped with a warning, or fails where `SESSION_TEST_REQUIRE` names it.
 *
 * Top-level `await` it: servers are looked for while tests are collected.
 */
export async function describeEachDatabase(
  title: string,
  define: (database: TestDatabase) => void,
  names: readonly DatabaseName[] = ['postgres', 'mariadb', 'sqlite'],
): Promise<void> {
  for (const name of names) {
    const server = await serverOf(name);
    if (server !== undefined) {
      describe(`${title} on ${name}`, () => define(databaseOn(server, name)));
      continue;
    }
    if (isRequired(name)) describe(`${title} on ${name}`, () => absent(name));
    console.warn(`SKIPPED: ${title} on ${name}: no server was found.`);
    describe.skip(`${title} on ${name}`, () => define(databaseOn(undefined, name)));
  }
}

function databaseOn(server: DatabaseServer | undefined, name: DatabaseName): TestDatabase {
  const connected: DataSource[] = [];
  const database = `curfew_test_${randomBytes(6).toString('hex')}`;
  beforeAll(() => server?.create(database));
  afterAll(async () => {
    for (const dataSource of connected) if (dataSource.isInitialized) await dataSource.destroy();
    await server?.drop(database);
  });
  const options = (extra: Record<string, unknown> = {}): DataSourceOptions =>
    ({ ...server?.options(database), ...extra }) as DataSourceOptions;
  return {
    name,
    options,
    async connect(extra) {
      const dataSource = new DataSource(options(extra));
      connected.push(dataSource);
      return dataSource.initialize();
    },
  };
}
