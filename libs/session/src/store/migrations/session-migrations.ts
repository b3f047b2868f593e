import type { DataSource, MigrationInterface, QueryRunner } from 'typeorm';

import { CreateSessions1763700000000 } from './1763700000000-create-sessions.js';
import { MigrationLedger } from './migration-ledger.js';
import { lockedForMigration } from './migration-lock.js';

/** A migration as TypeORM's data sources take them. */
export type SessionMigration = new () => MigrationInterface & { readonly name: string };

/**
 * Every migration of the session tables, oldest first. For the `migrations` of your own data source, where its history
 * is to hold them; else call `runSessionMigrations`.
 */
export const sessionMigrations: SessionMigration[] = [CreateSessions1763700000000];

/** The last run of this process on each data source; on SQLite, on any. */
const lastRuns = new WeakMap<object, Promise<unknown>>();

/** Two connections of one process must not wait for each other's lock: SQLite waits without letting the process go on. */
const SQLITE = {};

/**
 * Brings the session tables up to date, and nothing else. What has run is kept in the table `session_migrations`. Safe
 * to run at every start of every process: they wait for each other.
 *
 * The data source is connected, may create tables, and knows `SessionEntity` and `SessionPrincipalEntity`.
 * @returns the names of the migrations that it ran.
 * @throws `SESSION_OPTIONS_INVALID`, `SESSION_STORE_UNAVAILABLE`, and what the database says to the statements.
 */
export function runSessionMigrations(dataSource: DataSource): Promise<readonly string[]> {
  return runAlone(dataSource, async (queryRunner) => {
    const ledger = new MigrationLedger(queryRunner);
    await ledger.create();
    const done = await ledger.names();
    const pending = sessionMigrations
      .map((Migration) => new Migration())
      .filter(({ name }) => !done.has(name));
    for (const migration of pending) {
      await migration.up(queryRunner);
      await ledger.add(migration.name);
    }
    return pending.map(({ name }) => name);
  });
}

/** Drops what `runSessionMigrations` made: all sessions end, and the application's tables stay. */
export function revertSessionMigrations(dataSource: DataSource): Promise<void> {
  return runAlone(dataSource, async (queryRunner) => {
    for (const Migration of sessionMigrations.toReversed()) await new Migration().down(queryRunner);
    await new MigrationLedger(queryRunner).drop();
  });
}

/** Runs `work` while nobody else migrates, in this process or another. */
export async function runAlone<T>(
  dataSource: DataSource,
  work: (queryRunner: QueryRunner) => Promise<T>,
): Promise<T> {
  const run = async (): Promise<T> => {
    const queryRunner = dataSource.createQueryRunner('master');
    try {
      return await lockedForMigration(queryRunner, () => work(queryRunner));
    } finally {
      await queryRunner.release();
    }
  };
  const key = dataSource.options.type === 'better-sqlite3' ? SQLITE : dataSource;
  const running = (lastRuns.get(key) ?? Promise.resolve()).then(run);
  lastRuns.set(
    key,
    running.catch(() => {}),
  );
  return running;
}
