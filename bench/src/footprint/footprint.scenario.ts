import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { migrate } from '../curfew/migrate.js';
import { Child } from '../processes/child.js';
import { isWanted, type Run, type Sample, type Scenario } from '../scenario.js';
import { BenchDatabase } from '../servers/postgres.js';
import { serverOf } from '../servers/servers.js';
import { rotated } from '../statistics.js';
import type { BootInput, BootKind, BootReport } from './boot.process.js';
import type { CacheInput } from './cache.process.js';
import { renderFootprint } from './footprint-tables.js';
import { measureHeap } from './heap.js';

const KINDS: readonly BootKind[] = ['nest', 'nest-typeorm', 'nest-typeorm-curfew'];
const CACHED_SESSIONS = 5_000;
const DATA_LENGTHS = [0, 1_000];

export const footprint: Scenario = {
  name: 'footprint',
  about: 'start-up, memory of what the cache keeps, and the heap after a million requests',
  needs: ['postgres', 'redis'],
  run: measureFootprint,
  render: renderFootprint,
};

async function measureFootprint(run: Run): Promise<readonly Sample[]> {
  const { settings, servers } = run;
  const database = await BenchDatabase.create(serverOf(servers, 'postgres'));
  try {
    await migrate(database.url);
    const samples: Sample[] = [];
    for (let repetition = 0; repetition < settings.repetitions; repetition += 1) {
      samples.push(...(await measureBoots(run, database, repetition)));
    }
    if (isWanted(settings, 'cache')) samples.push(...(await measureCache(run, database)));
    if (isWanted(settings, 'heap')) samples.push(...(await measureHeap(run, database)));
    return samples;
  } finally {
    await database.drop();
  }
}

async function measureBoots(
  { settings, say }: Run,
  database: BenchDatabase,
  repetition: number,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (const kind of rotated(KINDS, repetition).filter((name) => isWanted(settings, name))) {
    const input: BootInput = { kind, databaseUrl: database.url };
    const report = await once<BootReport>('boot.process.js', 'boot', input);
    samples.push({ measure: 'boot', kind, repetition, ...report });
    say(
      `${repetition + 1}. ${kind}: ${Math.round(report.loadMs)} ms to load, ${Math.round(report.startMs)} ms to start`,
    );
  }
  return samples;
}

async function measureCache(
  { settings, servers, say }: Run,
  database: BenchDatabase,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (const dataLength of DATA_LENGTHS) {
    const input: CacheInput = {
      databaseUrl: database.url,
      redisUrl: serverOf(servers, 'redis').url,
      prefix: `curfew-bench-${randomBytes(6).toString('hex')}`,
      sessions: settings.quick ? CACHED_SESSIONS / 10 : CACHED_SESSIONS,
      dataLength,
    };
    const bytesPerSession = await once<number>('cache.process.js', 'bytesPerSession', input);
    samples.push({ measure: 'cache', dataLength, bytesPerSession });
    say(`${Math.round(bytesPerSession)} bytes for a cached session with ${dataLength} of data`);
  }
  return samples;
}

/** One question to a process that is there for it alone. */
async function once<T>(module: string, name: string, input: unknown): Promise<T> {
  const child = new Child(join(import.meta.dirname, module), ['--expose-gc']);
  try {
    return await child.call<T>(name, input);
  } finally {
    await child.stop();
  }
}
