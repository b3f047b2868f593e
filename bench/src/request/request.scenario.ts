import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { migrate } from '../curfew/migrate.js';
import { Child } from '../processes/child.js';
import { isWanted, type Run, type Sample, type Scenario } from '../scenario.js';
import { BenchDatabase } from '../servers/postgres.js';
import { BenchRedis } from '../servers/redis.js';
import { serverOf } from '../servers/servers.js';
import { rotated } from '../statistics.js';
import type { LoadReport } from './load.process.js';
import { renderRequests } from './request-tables.js';
import type { ServerInput, ServerUse } from './server.process.js';
import { variants, type Variant } from './variants.js';

const CONNECTIONS = [32, 128];
const SESSIONS = 10_000;
/** Before each measurement, not measured: processors, caches and connections warm up. */
const LEAD_MS = 500;

interface RunningVariant {
  readonly variant: Variant;
  readonly server: Child;
  readonly url: string;
}

interface Bench {
  readonly load: Child;
  readonly database: BenchDatabase;
  readonly redis: BenchRedis;
}

export const request: Scenario = {
  name: 'request',
  about: 'an authenticated GET, beside no sessions and the libraries that applications use today',
  needs: ['postgres', 'redis'],
  run: measureRequests,
  render: renderRequests,
};

async function measureRequests({ settings, servers, say }: Run): Promise<readonly Sample[]> {
  const database = await BenchDatabase.create(serverOf(servers, 'postgres'));
  const redis = new BenchRedis(serverOf(servers, 'redis'));
  const redisPrefix = `curfew-bench-${randomBytes(6).toString('hex')}:`;
  const load = startChild('load');
  const running: RunningVariant[] = [];
  try {
    await migrate(database.url);
    const places = {
      databaseUrl: database.url,
      redisUrl: serverOf(servers, 'redis').url,
      redisPrefix,
    };
    for (const variant of variants.filter(({ name }) => isWanted(settings, name))) {
      const server = startChild('server');
      running.push({ variant, server, url: '' });
      const input: ServerInput = { variant, places };
      const url = await server.call<string>('start', input);
      running[running.length - 1] = { variant, server, url };
      const sessions = settings.quick ? SESSIONS / 100 : SESSIONS;
      await load.call('signIn', { url, sessions });
      await load.call('load', { url, connections: 32, durationMs: settings.seconds * 500 });
      say(`${variant.name} serves ${sessions.toLocaleString('en-US')} sessions`);
    }
    await database.query('vacuum analyze');
    await database.query('checkpoint');

    const samples: Sample[] = [];
    for (let repetition = 0; repetition < settings.repetitions; repetition += 1) {
      for (const connections of CONNECTIONS) {
        for (const each of rotated(running, repetition)) {
          const measured = await measure(each, connections, settings.seconds * 1000, {
            load,
            database,
            redis,
          });
          samples.push({ variant: each.variant.name, connections, repetition, ...measured });
          const { requestsPerSecond, p99Ms } = measured;
          say(
            `${repetition + 1}. ${each.variant.name}, ${connections} connections: ${Math.round(requestsPerSecond)} requests/s, p99 ${p99Ms.toFixed(1)} ms`,
          );
        }
      }
    }
    return samples;
  } finally {
    await Promise.all([load, ...running.map(({ server }) => server)].map((child) => child.stop()));
    await redis.leave(redisPrefix);
    await database.drop();
  }
}

async function measure(
  { server, url }: RunningVariant,
  connections: number,
  durationMs: number,
  { load, database, redis }: Bench,
) {
  await load.call('load', { url, connections, durationMs: Math.min(LEAD_MS, durationMs) });
  const before = await used(server, database, redis);
  const report = await load.call<LoadReport>('load', { url, connections, durationMs });
  const after = await used(server, database, redis);
  const { requests, elapsedMs } = report;
  const each = (total: number): number => Math.max(0, total) / requests;
  return {
    requestsPerSecond: (requests * 1000) / elapsedMs,
    p50Ms: report.p50Ms,
    p99Ms: report.p99Ms,
    cpuUsPerRequest: each(after.cpuUs - before.cpuUs),
    serverBusyShare: (after.cpuUs - before.cpuUs) / 1000 / elapsedMs,
    loadBusyShare: report.cpuUs / 1000 / elapsedMs,
    statementsPerRequest: each(after.statements - before.statements),
    walBytesPerRequest: each(after.walBytes - before.walBytes),
    // But for the one that asks for their number.
    redisCommandsPerRequest: each(after.commands - before.commands - 1),
  };
}

async function used(server: Child, database: BenchDatabase, redis: BenchRedis) {
  const [use, walBytes, commands] = await Promise.all([
    server.call<ServerUse>('use'),
    database.walBytes(),
    redis.commands(),
  ]);
  return { ...use, walBytes, commands };
}

function startChild(name: 'server' | 'load'): Child {
  return new Child(join(import.meta.dirname, `${name}.process.js`));
}
