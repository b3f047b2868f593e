import { randomBytes } from 'node:crypto';

import { DataSource, type DataSourceOptions } from 'typeorm';

import { nameOf, type Backlog, type Backlogs } from './backlog.js';
import { fill } from './fill.js';
import { peerTable } from './peer-tables.js';
import { withTables } from './with-tables.js';

/** A database for each backlog, and one that is a copy of it, file by file. */
export class PostgresBacklogs implements Backlogs {
  readonly #prefix = `curfew_bench_${randomBytes(6).toString('hex')}`;
  readonly #templates = new Set<string>();

  private constructor(
    private readonly url: string,
    private readonly admin: DataSource,
  ) {}

  static async open(url: string): Promise<PostgresBacklogs> {
    return new PostgresBacklogs(url, await new DataSource({ type: 'postgres', url }).initialize());
  }

  async restore(backlog: Backlog): Promise<DataSourceOptions> {
    const template = `${this.#prefix}_${nameOf(backlog)}`;
    if (!this.#templates.has(template)) await this.#make(template, backlog);
    await this.#drop(this.#prefix);
    await this.admin.query(
      `create database "${this.#prefix}" template "${template}" strategy file_copy`,
    );
    await this.admin.query('checkpoint');
    return this.#optionsOf(this.#prefix);
  }

  async drop(): Promise<void> {
    for (const name of [this.#prefix, ...this.#templates]) await this.#drop(name);
    await this.admin.destroy();
  }

  async #make(name: string, backlog: Backlog): Promise<void> {
    this.#templates.add(name);
    await this.admin.query(`create database "${name}"`);
    await withTables(this.#optionsOf(name), async (dataSource) => {
      for (const statement of peerTable(backlog.table, 'postgres')) {
        await dataSource.query(statement);
      }
      await fill(dataSource, 'postgres', backlog, backlog.table);
      // As in a table that has been there for long: everything is visible to everyone, and has statistics.
      await dataSource.query('vacuum freeze analyze');
    });
  }

  async #drop(name: string): Promise<void> {
    await this.admin.query(`drop database if exists "${name}" with (force)`);
  }

  #optionsOf(name: string): DataSourceOptions {
    const { href } = Object.assign(new URL(this.url), { pathname: `/${name}` });
    return { type: 'postgres', url: href };
  }
}
