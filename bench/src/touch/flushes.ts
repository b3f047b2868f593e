import { join } from 'node:path';

import { Child } from '../processes/child.js';
import { isWanted, type Sample, type Settings } from '../scenario.js';
import type { BenchDatabase } from '../servers/postgres.js';
import { rotated } from '../statistics.js';
import type { TouchWay } from './touch-bench.js';
import type { StartInput, TouchInput, TouchReport } from './touch.process.js';

const WAYS: readonly TouchWay[] = ['flush/curfew', 'flush/update-each', 'flush/connect-pg-simple'];
const SESSIONS = 10_000;
/** Touches as fast as they can be written, each way by turns. */
export async function measureFlushes(
  database: BenchDatabase,
  settings: Settings,
  say: (line: string) => void,
): Promise<Sample[]> {
  const child = new Child(join(import.meta.dirname, 'touch.process.js'));
  try {
    const sessions = settings.quick ? SESSIONS / 10 : SESSIONS;
    const start: StartInput = { databaseUrl: database.url, sessions };
    await child.call('start', start);
    await database.query('vacuum analyze');
    const ways = WAYS.filter((way) => isWanted(settings, way));
    const samples: Sample[] = [];
    for (let repetition = 0; repetition < settings.repetitions; repetition += 1) {
      for (const way of rotated(ways, repetition)) {
        const measured = await measure(child, database, way, settings.seconds * 1000);
        samples.push({ measure: 'flush', variant: way, repetition, ...measured });
        say(
          `${repetition + 1}. ${way}: ${Math.round(measured.touchesPerSecond)} touches/s, ${(measured.hotShare * 100).toFixed(1)} % HOT`,
        );
      }
    }
    return samples;
  } finally {
    await child.stop();
  }
}

async function measure(child: Child, database: BenchDatabase, way: TouchWay, durationMs: number) {
  await database.query('checkpoint');
  // Every page once, so that none is written to the log as a whole: that is once for each checkpoint, not for each touch.
  await child.call('touch', { way, durationMs: 0 } satisfies TouchInput);
  const before = await counts(child, database);
  const report = await child.call<TouchReport>('touch', { way, durationMs } satisfies TouchInput);
  const after = await counts(child, database);
  const updates = after.updates - before.updates;
  if (report.touches !== updates) {
    throw new Error(`Expected ${report.touches} updates in the database, got ${updates}.`);
  }
  return {
    touches: report.touches,
    touchesPerSecond: (report.touches * 1000) / report.elapsedMs,
    hotShare: (after.hot - before.hot) / updates,
    walBytesPerTouch: (after.walBytes - before.walBytes) / updates,
    statementsPerTouch: report.statements / updates,
    cpuUsPerTouch: report.cpuUs / updates,
  };
}

async function counts(child: Child, database: BenchDatabase) {
  const walBytes = await database.walBytes();
  await child.call('handInStatistics');
  const [row] = await database.query(`select coalesce(sum(n_tup_upd), 0) as updates,
    coalesce(sum(n_tup_hot_upd), 0) as hot from pg_stat_user_tables`);
  return { walBytes, updates: Number(row?.['updates']), hot: Number(row?.['hot']) };
}
