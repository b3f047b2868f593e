import { join } from 'node:path';

import { migrate } from '../curfew/migrate.js';
import { addStock } from '../curfew/stock.js';
import { Child } from '../processes/child.js';
import { isWanted, type Run, type Sample, type Scenario } from '../scenario.js';
import { BenchDatabase } from '../servers/postgres.js';
import { serverOf, type Server } from '../servers/servers.js';
import { rotated } from '../statistics.js';
import { renderResolves } from './resolve-tables.js';
import type { ResolveInput, ResolveReport, StartInput } from './resolve.process.js';

const SIZES = [10_000, 1_000_000, 10_000_000];
const AT_ONCE = [1, 128];
/** The sessions that are in use: as many in a small table as in a large one. */
const SESSIONS = 10_000;
/** Ninety days. */
const SPAN_MS = 90 * 24 * 3_600_000;

export const resolve: Scenario = {
  name: 'resolve',
  about: 'looking up a session by its token, in tables of up to 10 million rows',
  needs: ['postgres'],
  run: measureResolves,
  render: renderResolves,
};

async function measureResolves({ settings, servers, say }: Run): Promise<readonly Sample[]> {
  const tables: Table[] = [];
  try {
    for (const size of SIZES) {
      const rows = settings.quick ? size / 100 : size;
      if (!isWanted(settings, String(size))) continue;
      const table = await Table.create(serverOf(servers, 'postgres'));
      tables.push(table);
      await table.fill(rows, Math.min(rows, SESSIONS));
      say(`${rows.toLocaleString('en-US')} rows in ${Math.round(table.bytes / 1e6)} MB`);
    }
    const samples: Sample[] = [];
    for (let repetition = 0; repetition < settings.repetitions; repetition += 1) {
      for (const atOnce of AT_ONCE) {
        for (const table of rotated(tables, repetition)) {
          const measured = await table.measure(atOnce, settings.seconds * 1000);
          const { rows, bytes } = table;
          samples.push({ rows, bytes, atOnce, repetition, ...measured });
          say(
            `${repetition + 1}. ${rows.toLocaleString('en-US')} rows, ${atOnce} at once: p50 ${measured.p50Ms.toFixed(2)} ms, p99 ${measured.p99Ms.toFixed(2)} ms`,
          );
        }
      }
    }
    return samples;
  } finally {
    for (const table of tables) await table.drop();
  }
}

/** A database with a table of one size, and the process that reads it. */
class Table {
  readonly #child = new Child(join(import.meta.dirname, 'resolve.process.js'));
  rows = 0;
  bytes = 0;

  private constructor(private readonly database: BenchDatabase) {}

  static async create(server: Server): Promise<Table> {
    return new Table(await BenchDatabase.create(server));
  }

  async fill(rows: number, sessions: number): Promise<void> {
    await migrate(this.database.url);
    // Rows are read the same way, and written to no log.
    await this.database.query('alter table sessions set unlogged');
    const input: StartInput = { databaseUrl: this.database.url, sessions, spanMs: SPAN_MS };
    await this.#child.call('start', input);
    await addStock(this.database, { rows: rows - sessions, spanMs: SPAN_MS });
    await this.database.query('vacuum analyze');
    const [row] = await this.database.query(`select pg_total_relation_size('sessions') as bytes`);
    this.rows = rows;
    this.bytes = Number(row?.['bytes']);
  }

  async measure(atOnce: number, durationMs: number) {
    // What the others have pushed out of the memory comes back.
    await this.#resolve({ atOnce: 128, durationMs: durationMs / 5 });
    const before = await this.#sequentialScans();
    const { p50Ms, p99Ms, resolves, elapsedMs } = await this.#resolve({ atOnce, durationMs });
    return {
      p50Ms,
      p99Ms,
      resolvesPerSecond: (resolves * 1000) / elapsedMs,
      sequentialScans: (await this.#sequentialScans()) - before,
    };
  }

  async drop(): Promise<void> {
    await this.#child.stop();
    await this.database.drop();
  }

  #resolve(input: ResolveInput): Promise<ResolveReport> {
    return this.#child.call('resolve', input);
  }

  /** How often the whole table was read. */
  async #sequentialScans(): Promise<number> {
    const [row] = await this.database.query(
      `select seq_scan as scans from pg_stat_user_tables where relname = 'sessions'`,
    );
    return Number(row?.['scans']);
  }
}
