import { setTimeout } from 'node:timers/promises';

import { Logger } from '@nestjs/common';
import { SessionEntity, SessionPrincipalEntity } from 'nestjs-curfew';
import { sessionMigrations } from 'nestjs-curfew/migrations';
import { DataSource, type DataSourceOptions } from 'typeorm';

import { BootError } from './boot-error.js';
import { CreateUsers1763600000000 } from './migrations/1763600000000-create-users.js';
import { User } from './users/user.entity.js';

/** How long a database may take to answer the first call before the app gives up. */
const CONNECT_TIMEOUT_MS = 5000;

/** How long closing may take. A server that hangs never answers a goodbye, and mysql2 would wait for it for ever. */
const CLOSE_TIMEOUT_MS = 5000;

const schema = {
  entities: [User, SessionEntity, SessionPrincipalEntity],
  migrations: [CreateUsers1763600000000, ...sessionMigrations],
};

/** TypeORM's options for `postgres://`, `mysql://`, `mariadb://` or `sqlite:path`, with the schema of the whole app. */
export function dataSourceOptions(databaseUrl: string): DataSourceOptions {
  if (databaseUrl.startsWith('sqlite:')) {
    const database = databaseUrl.slice('sqlite:'.length).replace(/^\/\//, '');
    return { type: 'better-sqlite3', database, enableWAL: true, ...schema };
  }
  const url = new URL(databaseUrl);
  const server = {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
    ...schema,
  };
  const ssl = encryption(url);
  return url.protocol.startsWith('postgres')
    ? { type: 'postgres', ...server, ...ssl, connectTimeoutMS: CONNECT_TIMEOUT_MS }
    : {
        type: url.protocol === 'mariadb:' ? 'mariadb' : 'mysql',
        ...server,
        ...ssl,
        connectTimeout: CONNECT_TIMEOUT_MS,
      };
}

/** Connects. @throws BootError in one line, without the driver's stack or the password, where that fails. */
export async function connect(options: DataSourceOptions): Promise<DataSource> {
  try {
    return await new AppDataSource(options).initialize();
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    // Node.js says nothing but the code where it tried several addresses of a name.
    const reason = message === '' ? code : message;
    throw new BootError(
      `Expected a database at ${describe(options)}, got: ${reason}. Start it, or set DATABASE_URL.`,
      { cause: error },
    );
  }
}

/** A data source that closes in a bounded time. */
class AppDataSource extends DataSource {
  override async destroy(): Promise<void> {
    const timer = new AbortController();
    const isLate = await Promise.race([
      super.destroy(),
      setTimeout(CLOSE_TIMEOUT_MS, true, { signal: timer.signal }),
    ]).finally(() => timer.abort());
    if (isLate === true) {
      new Logger('Database').warn('closed without an answer of the server');
    }
  }
}

/** Runs the migrations that the database has not seen. @returns their names. */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const dataSource = await connect(dataSourceOptions(databaseUrl));
  try {
    const migrations = await dataSource.runMigrations({ transaction: 'each' });
    return migrations.map(({ name }) => name);
  } finally {
    await dataSource.destroy();
  }
}

function encryption(url: URL): { ssl?: { rejectUnauthorized: boolean } } {
  for (const [name, value] of url.searchParams) {
    if (name === 'sslmode' && ['require', 'verify-full'].includes(value)) continue;
    throw new BootError(
      `Expected DATABASE_URL to carry no parameter but sslmode=require or sslmode=verify-full, got "${name}"`,
    );
  }
  return url.searchParams.has('sslmode') ? { ssl: { rejectUnauthorized: true } } : {};
}

function describe(options: DataSourceOptions): string {
  if (!('host' in options)) return String(options.database);
  const port = 'port' in options ? `:${options.port}` : '';
  return `${options.type}://${options.host}${port}/${String(options.database)}`;
}
