import type { QueryRunner } from 'typeorm';

import { SessionError } from '../../core/errors.js';

/** A number of ours: `curf` in ASCII. */
const ADVISORY_LOCK = 0x63757266;

/** Longest wait for another process that migrates, in seconds. */
const MAX_WAIT_SECONDS = 60;

/**
 * Runs `work` while no other process runs its own: on PostgreSQL and SQLite in one transaction; on MySQL and MariaDB,
 * which commit each DDL statement by itself, what was cut short is made whole by the next run.
 * @throws `SESSION_STORE_UNAVAILABLE` where another process takes longer than a minute.
 */
export function lockedForMigration<T>(
  queryRunner: QueryRunner,
  work: () => Promise<T>,
): Promise<T> {
  switch (queryRunner.dataSource.options.type) {
    case 'postgres':
      return inTransaction(queryRunner, 'begin', async () => {
        await queryRunner.query(`set local lock_timeout = '${MAX_WAIT_SECONDS}s'`);
        await queryRunner.query(`select pg_advisory_xact_lock(${ADVISORY_LOCK})`);
        return work();
      });
    case 'better-sqlite3':
      return inTransaction(queryRunner, 'begin immediate', work);
    default:
      return underNamedLock(queryRunner, work);
  }
}

async function inTransaction<T>(
  queryRunner: QueryRunner,
  begin: string,
  work: () => Promise<T>,
): Promise<T> {
  await queryRunner.query(begin);
  try {
    const result = await work();
    await queryRunner.query('commit');
    return result;
  } catch (error) {
    await queryRunner.query('rollback');
    throw error;
  }
}

async function underNamedLock<T>(queryRunner: QueryRunner, work: () => Promise<T>): Promise<T> {
  // A lock's name belongs to the server and has at most 64 characters: one for each database, of its hash.
  const name = `concat('curfew_', md5(database()))`;
  const rows: unknown = await queryRunner.query(
    `select get_lock(${name}, ${MAX_WAIT_SECONDS}) as taken`,
  );
  if (Number((rows as { taken: unknown }[])[0]?.taken) !== 1) {
    throw new SessionError(
      'SESSION_STORE_UNAVAILABLE',
      `Expected to migrate within ${MAX_WAIT_SECONDS} seconds, got no lock: another process is migrating. Try again.`,
    );
  }
  try {
    return await work();
  } finally {
    await queryRunner.query(`do release_lock(${name})`);
  }
}
