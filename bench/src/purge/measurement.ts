import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { DataSource, type DataSourceOptions } from 'typeorm';

import { Child } from '../processes/child.js';
import type { DatabaseName } from './backlog.js';
import type { ForegroundReport } from './foreground.js';
import { sampleOf } from './purge-tables.js';
import type { Batch, PurgeInput } from './purge.process.js';
import type { Way } from './ways.js';

/** Longest run: the budget that a purge has unless told otherwise. */
const LIMIT_MS = 20_000;

/** One way on one backlog: first the users alone, then with the purge beside them. */
export async function measure(
  way: Way,
  database: DatabaseName,
  options: DataSourceOptions,
  idleMs: number,
) {
  const users = startChild();
  // On SQLite an application purges in its own process, unless told otherwise.
  const purger = database === 'sqlite' ? users : startChild();
  const processes = new Set([users, purger]);
  let snapshot: DataSource | undefined;
  try {
    for (const child of processes) await child.call('open', options);
    await users.call('prepareForeground');
    await users.call('startForeground');
    await pause(idleMs);
    const idle = await users.call<ForegroundReport>('stopForeground');
    if (way.hasSnapshot) snapshot = await holdSnapshot(options);
    await users.call('startForeground');
    const input: PurgeInput = { way, database, limitMs: LIMIT_MS };
    const startedAt = performance.now();
    const batches = await purger.call<readonly Batch[]>('purge', input);
    const elapsedMs = performance.now() - startedAt;
    const meanwhile = await users.call<ForegroundReport>('stopForeground');
    return sampleOf({ batches, elapsedMs, idle, meanwhile });
  } finally {
    await snapshot?.destroy();
    for (const child of processes) await child.stop();
  }
}

/** A transaction that sees everything as it is now, as a dump or a report would. It ends with its connection. */
async function holdSnapshot(options: DataSourceOptions): Promise<DataSource> {
  const dataSource = await new DataSource(options).initialize();
  const runner = dataSource.createQueryRunner();
  await runner.startTransaction(options.type === 'better-sqlite3' ? undefined : 'REPEATABLE READ');
  await runner.query('select id from sessions limit 1');
  return dataSource;
}

function startChild(): Child {
  return new Child(join(import.meta.dirname, 'purge.process.js'));
}
