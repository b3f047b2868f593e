import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import pg from 'pg';

import type { Server } from './servers.js';

export async function findPostgres(url: string): Promise<Server | undefined> {
  try {
    await query(url, 'select 1');
  } catch {
    return undefined;
  }
  return {
    url,
    version: async () => {
      const [row] = await query(url, 'show server_version');
      return String(row?.['server_version']).split(' ')[0] ?? '';
    },
  };
}

/** A database of one scenario's own. */
export class BenchDatabase {
  readonly url: string;
  readonly #client: pg.Client;

  private constructor(
    private readonly adminUrl: string,
    private readonly name: string,
  ) {
    this.url = Object.assign(new URL(adminUrl), { pathname: `/${name}` }).href;
    this.#client = new pg.Client(this.url);
  }

  static async create({ url }: Server): Promise<BenchDatabase> {
    const name = `curfew_bench_${randomBytes(6).toString('hex')}`;
    await query(url, `create database "${name}"`);
    const database = new BenchDatabase(url, name);
    await database.#client.connect();
    return database;
  }

  async query(text: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
    const { rows } = await this.#client.query<Record<string, unknown>>(text, [...values]);
    return rows;
  }

  /** Bytes of write-ahead log so far, of the whole server: others who write meanwhile are in it. */
  async walBytes(): Promise<number> {
    const [row] = await this.query(`select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as bytes`);
    return Number(row?.['bytes']);
  }

  /** Waits until every other connection to it has ended. @throws where one goes on for 10 seconds */
  async untilAlone(): Promise<void> {
    for (const end = Date.now() + 10_000; Date.now() < end; await pause(20)) {
      const others = await this.query(
        `select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
          and backend_type = 'client backend'`,
      );
      if (others.length === 0) return;
    }
    throw new Error('Expected the connections of a process that has ended to end, got some.');
  }

  async drop(): Promise<void> {
    await this.#client.end();
    await query(this.adminUrl, `drop database if exists "${this.name}" with (force)`);
  }
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(text);
    return rows;
  } finally {
    await client.end();
  }
}
