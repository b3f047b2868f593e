import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { DataSource, type DataSourceOptions } from 'typeorm';

import { startEmbeddedPostgres } from './embedded-postgres.js';

/** A place where databases can be made. */
export interface DatabaseServer {
  options(database: string): DataSourceOptions;
  create(database: string): Promise<void>;
  drop(database: string): Promise<void>;
}

/** `SESSION_TEST_POSTGRES_URL`, else the usual local port, else an embedded server of this file's own. */
export async function findPostgres(): Promise<DatabaseServer | undefined> {
  const given = process.env['SESSION_TEST_POSTGRES_URL'];
  const local = postgresAt(given ?? 'postgres://postgres@127.0.0.1:5432/postgres');
  if (given !== undefined || (await answers(local.admin))) return local.server;
  const embedded = await startEmbeddedPostgres();
  return embedded === undefined ? undefined : postgresAt(embedded).server;
}

/** `SESSION_TEST_MARIADB_URL`, else the usual local port. A MySQL server will do if the scheme is `mysql:`. */
export async function findMariadb(): Promise<DatabaseServer | undefined> {
  const given = process.env['SESSION_TEST_MARIADB_URL'];
  const { admin, server } = mariadbAt(given ?? 'mariadb://root@127.0.0.1:3306/mysql');
  return given !== undefined || (await answers(admin)) ? server : undefined;
}

/** A file in a directory of this test file's own. */
export async function findSqlite(): Promise<DatabaseServer | undefined> {
  const directories = new Map<string, string>();
  return {
    options: (database) => ({
      type: 'better-sqlite3',
      database: join(directories.get(database) ?? '', 'test.sqlite'),
      enableWAL: true,
    }),
    async create(database) {
      directories.set(database, mkdtempSync(join(tmpdir(), `${database}-`)));
    },
    async drop(database) {
      rmSync(directories.get(database) ?? '', { recursive: true, force: true });
    },
  };
}

function postgresAt(url: string) {
  const admin: DataSourceOptions = { type: 'postgres', url, connectTimeoutMS: 2000 };
  const server: DatabaseServer = {
    options: (database) => ({ type: 'postgres', url: withDatabase(url, database) }),
    create: (database) => run(admin, `create database "${database}"`),
    drop: (database) => run(admin, `drop database if exists "${database}" with (force)`),
  };
  return { admin, server };
}

function mariadbAt(url: string) {
  const type = url.startsWith('mysql:') ? 'mysql' : 'mariadb';
  const admin: DataSourceOptions = { type, url, connectTimeout: 2000 };
  const server: DatabaseServer = {
    options: (database) => ({ type, url: withDatabase(url, database) }),
    create: (database) => run(admin, `create database \`${database}\``),
    drop: (database) => run(admin, `drop database if exists \`${database}\``),
  };
  return { admin, server };
}

function withDatabase(url: string, database: string): string {
  return Object.assign(new URL(url), { pathname: `/${database}` }).href;
}

async function answers(admin: DataSourceOptions): Promise<boolean> {
  return run(admin, 'select 1').then(
    () => true,
    () => false,
  );
}

async function run(admin: DataSourceOptions, statement: string): Promise<void> {
  const dataSource = await new DataSource(admin).initialize();
  try {
    await dataSource.query(statement);
  } finally {
    await dataSource.destroy();
  }
}
