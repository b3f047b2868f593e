import 'reflect-metadata';

import { setImmediate } from 'node:timers/promises';

import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SessionModule, SessionService, SessionStore } from 'nestjs-curfew';
import { DataSource, type DataSourceOptions } from 'typeorm';

import { handle } from '../processes/handlers.js';
import type { DatabaseName } from './backlog.js';
import { Foreground } from './foreground.js';
import { deletionOf, loopedDeletionOf } from './peer-tables.js';
import type { Way } from './ways.js';

/** A statement, or a batch of the purge with its BEGIN and COMMIT, and how many rows it deleted. */
export interface Batch {
  readonly elapsedMs: number;
  readonly rows: number;
}

export interface PurgeInput {
  readonly way: Way;
  readonly database: DatabaseName;
  /** Longest run, in milliseconds. What is one statement is not stopped. */
  readonly limitMs: number;
}

const LOOP_LIMIT = 5000;

@Module({})
class PurgeModule {}

let app: INestApplicationContext;
let foreground: Foreground;

handle({
  async open(options: DataSourceOptions): Promise<void> {
    app = await NestFactory.createApplicationContext(
      {
        module: PurgeModule,
        imports: [
          TypeOrmModule.forRoot({ ...options, autoLoadEntities: true }),
          SessionModule.forRoot({ secret: 's'.repeat(32), jobs: { driver: 'none' } }),
        ],
      },
      { logger: ['error'] },
    );
    foreground = new Foreground(app.get(SessionService));
  },

  async close(): Promise<void> {
    await app.close();
  },

  async prepareForeground(): Promise<void> {
    await foreground.prepare();
  },

  async startForeground(): Promise<void> {
    foreground.start();
  },

  async stopForeground() {
    return foreground.stop();
  },

  async purge({ way, database, limitMs }: PurgeInput): Promise<readonly Batch[]> {
    const { kind, table } = way;
    if (kind === 'delete') return [await run(deletionOf(table, database))];
    if (kind === 'loop') return loop(loopedDeletionOf(database, LOOP_LIMIT), limitMs);
    const pacing = kind === 'purge' ? 'flat-out' : 'gentle';
    const batches = observed(app.get(SessionStore, { strict: false }));
    const { deleted } = await app.get(SessionService).purge({ pacing, budgetMs: limitMs });
    const seen = batches.reduce((sum, { rows }) => sum + rows, 0);
    if (seen !== deleted) throw new Error(`Expected ${seen} rows in the report, got ${deleted}.`);
    return batches;
  },
});

async function run(statement: string): Promise<Batch> {
  const runner = app.get(DataSource).createQueryRunner();
  try {
    const startedAt = performance.now();
    const { affected } = await runner.query(statement, [], true);
    return { elapsedMs: performance.now() - startedAt, rows: affected ?? 0 };
  } finally {
    await runner.release();
  }
}

async function loop(statement: string, limitMs: number): Promise<readonly Batch[]> {
  const batches: Batch[] = [];
  const end = performance.now() + limitMs;
  while (performance.now() < end) {
    const batch = await run(statement);
    batches.push(batch);
    if (batch.rows < LOOP_LIMIT) break;
    await setImmediate();
  }
  return batches;
}

/** Notes what a purge asks of its store. */
function observed(store: SessionStore): Batch[] {
  const batches: Batch[] = [];
  const note = async <T>(work: Promise<T>, rowsOf: (result: T) => number): Promise<T> => {
    const startedAt = performance.now();
    const result = await work;
    batches.push({ elapsedMs: performance.now() - startedAt, rows: rowsOf(result) });
    return result;
  };
  const [purgeBatch, purgeRange] = [store.purgeBatch.bind(store), store.purgeRange.bind(store)];
  store.purgeBatch = (request) => note(purgeBatch(request), ({ deleted }) => deleted.length);
  store.purgeRange = (request) =>
    note(purgeRange(request), ({ counts }) => counts.reduce((sum, { count }) => sum + count, 0));
  return batches;
}
