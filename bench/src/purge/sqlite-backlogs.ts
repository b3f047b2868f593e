import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { DataSourceOptions } from 'typeorm';

import { nameOf, type Backlog, type Backlogs } from './backlog.js';
import { fill } from './fill.js';
import { peerTable } from './peer-tables.js';
import { withTables } from './with-tables.js';

/** A file for each backlog, and one that is a copy of it. */
export class SqliteBacklogs implements Backlogs {
  readonly #made = new Set<string>();

  private constructor(private readonly directory: string) {}

  static async open(): Promise<SqliteBacklogs> {
    return new SqliteBacklogs(await mkdtemp(join(tmpdir(), 'curfew-bench-')));
  }

  async restore(backlog: Backlog): Promise<DataSourceOptions> {
    const template = join(this.directory, `${nameOf(backlog)}.sqlite`);
    if (!this.#made.has(template)) {
      this.#made.add(template);
      await withTables(optionsOf(template), async (dataSource) => {
        for (const statement of peerTable(backlog.table, 'sqlite')) {
          await dataSource.query(statement);
        }
        await fill(dataSource, 'sqlite', backlog, backlog.table);
        await dataSource.query('analyze');
        await dataSource.query('pragma wal_checkpoint(truncate)');
      });
    }
    const copy = join(this.directory, 'copy.sqlite');
    for (const end of ['-wal', '-shm']) await rm(`${copy}${end}`, { force: true });
    await copyFile(template, copy);
    return optionsOf(copy);
  }

  async drop(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

function optionsOf(database: string): DataSourceOptions {
  return { type: 'better-sqlite3', database, enableWAL: true };
}
