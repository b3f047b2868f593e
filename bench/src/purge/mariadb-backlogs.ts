import { randomBytes } from 'node:crypto';

import { DataSource, type DataSourceOptions } from 'typeorm';

import { nameOf, type Backlog, type Backlogs } from './backlog.js';
import { fill } from './fill.js';
import { peerTable } from './peer-tables.js';
import { withTables } from './with-tables.js';

/** A table for each backlog beside those that are measured, which are filled from it. */
export class MariadbBacklogs implements Backlogs {
  readonly #name = `curfew_bench_${randomBytes(6).toString('hex')}`;
  readonly #made = new Set<string>();

  private constructor(
    private readonly url: string,
    private readonly admin: DataSource,
  ) {}

  static async open(url: string): Promise<MariadbBacklogs> {
    const admin = await new DataSource({ type: 'mariadb', url }).initialize();
    const backlogs = new MariadbBacklogs(url, admin);
    await admin.query(`create database \`${backlogs.#name}\``);
    return backlogs;
  }

  async restore(backlog: Backlog): Promise<DataSourceOptions> {
    const options = this.#options;
    await withTables(options, async (dataSource) => {
      const { table } = backlog;
      const kept = `kept_${nameOf(backlog)}`;
      const runner = dataSource.createQueryRunner();
      // An empty table is filled index by index, each in its order.
      await runner.query('set session unique_checks = 0, foreign_key_checks = 0');
      if (!this.#made.has(kept)) {
        for (const statement of peerTable(table, 'mariadb')) await runner.query(statement);
        await runner.query(`create table ${kept} like ${table}`);
        await fill(runner, 'mariadb', backlog, kept);
        this.#made.add(kept);
      }
      await runner.query(`truncate table ${table}`);
      await runner.query(`insert into ${table} select * from ${kept}`);
      await runner.query(`analyze table ${table}`);
      // Writes what is still to be written.
      await runner.query(`flush tables ${table} for export`);
      await runner.query('unlock tables');
      await runner.release();
    });
    return options;
  }

  async drop(): Promise<void> {
    await this.admin.query(`drop database if exists \`${this.#name}\``);
    await this.admin.destroy();
  }

  get #options(): DataSourceOptions {
    const { href } = Object.assign(new URL(this.url), { pathname: `/${this.#name}` });
    return { type: 'mariadb', url: href };
  }
}
