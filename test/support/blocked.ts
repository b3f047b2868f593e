import type { DataSource } from 'typeorm';

import type { DatabaseName } from './databases.js';

const COUNT_BLOCKED = {
  postgres: `select count(*) as blocked from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`,
  // Not innodb_trx: it is made anew only where nobody has read it for a while.
  mariadb: `select count(*) as blocked from information_schema.processlist
    where db = database() and command = 'Query' and id <> connection_id() and time_ms > 50`,
  sqlite: '',
};

/** Resolves when a statement on the file's database waits for the lock of another. */
export async function untilBlocked(dataSource: DataSource, name: DatabaseName): Promise<void> {
  for (;;) {
    const rows: unknown = await dataSource.query(COUNT_BLOCKED[name]);
    if (Number((rows as { blocked: unknown }[])[0]?.blocked) > 0) return;
  }
}
