import { randomBytes } from 'node:crypto';

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { ServiceUnavailableException } from '@nestjs/common';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { hours, minutes, type SessionChannel, type SessionStore } from 'nestjs-curfew';
import { FakeClock, MemorySessionStore } from 'nestjs-curfew/testing';

import { LocalChannel } from '../../libs/session/src/channel/local-channel.js';
import { purgeLimits } from '../../libs/session/src/health/health-warnings.js';
import { SessionHealthIndicator } from '../../libs/session/src/health/session-health.indicator.js';
import type { QueueSettings } from '../../libs/session/src/jobs/job-queue.js';
import { NoJobs } from '../../libs/session/src/jobs/no-jobs.js';
import { absent } from '../support/absent-server.js';
import { captureLogs } from '../support/captured-logger.js';
import { findPostgres } from '../support/database-servers.js';
import { describeEachDatabase } from '../support/databases.js';
import { bullmqJobs, type TestJobs } from '../support/job-drivers.js';
import { newSession } from '../support/new-session.js';
import { PrivateRedis } from '../support/redis.js';
import { openStore } from '../support/session-store.js';
import { until } from '../support/until.js';

const LIMITS = purgeLimits({
  purge: { everyMs: minutes(1), budgetMs: 1000 },
  purgeBucketMs: minutes(10),
});

captureLogs();
const redis = await PrivateRedis.start();
const postgres = (await findPostgres()) ?? absent('postgres');
const open: TestJobs[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((deployment) => deployment.close()));
});

function memoryStore(): SessionStore {
  const clock = new FakeClock();
  return new MemorySessionStore({ clock, retentionMs: 0, purgeBucketMs: minutes(10) });
}

/** The health as a web process sees it, and the workers beside it. */
function onQueue(settings: QueueSettings, channel: SessionChannel = new LocalChannel()) {
  const store = memoryStore();
  const deployment = bullmqJobs(settings, store, minutes(1));
  open.push(deployment);
  const health = new SessionHealthIndicator(store, deployment.jobs, channel, LIMITS);
  return {
    ...deployment,
    health,
    warnings: async () => (await health.check('session')).session.warnings,
  };
}

await describeEachDatabase('the health of sessions', (database) => {
  it('is up, and knows how long the database takes and how overdue the purge is', async () => {
    const clock = new FakeClock();
    const timing = { retentionMs: 0, purgeBucketMs: minutes(10) };
    const { store } = await openStore(database, { clock, ...timing });
    const health = new SessionHealthIndicator(store, new NoJobs(), new LocalChannel(), LIMITS);
    expect((await health.check('session')).session).toEqual({
      status: 'up',
      storeLatencyMs: expect.any(Number),
      oldestOverdueMs: 0,
      workers: null,
      warnings: [],
    });

    await store.insert(newSession());
    clock.advance(hours(48));
    const { session } = await health.check('session');
    expect(session.status).toBe('up');
    expect(session.oldestOverdueMs).toBeGreaterThan(LIMITS.overdueMs);
    expect(session.warnings).toEqual(['purge-overdue']);
  });

  it('is down, by a code and without a word of the database, when that does not answer', async () => {
    const { store, dataSource } = await openStore(database);
    await dataSource.destroy();
    const health = new SessionHealthIndicator(store, new NoJobs(), new LocalChannel(), LIMITS);
    expect((await health.check('session')).session).toEqual({
      status: 'down',
      code: 'SESSION_STORE_UNAVAILABLE',
      storeLatencyMs: null,
      oldestOverdueMs: null,
      workers: null,
      warnings: [],
    });
  });
});

describe('the health of sessions for terminus', () => {
  it.each([
    ['ok', 'is up', (store: SessionStore) => store],
    ['error', 'is down', (store: SessionStore) => failing(store)],
  ])('is %s where the store %s', async (status, _state, prepare) => {
    const module = await Test.createTestingModule({ imports: [TerminusModule] }).compile();
    const store = prepare(memoryStore());
    const health = new SessionHealthIndicator(store, new NoJobs(), new LocalChannel(), LIMITS);
    const check = module.get(HealthCheckService).check([() => health.check('session')]);
    const result = await check.catch((error: unknown) =>
      (error as ServiceUnavailableException).getResponse(),
    );
    const key = status === 'ok' ? 'info' : 'error';
    expect(result).toMatchObject({ status, [key]: { session: { warnings: [] } } });
  });

  it('is down by the warnings that the application names', async () => {
    const store = memoryStore();
    const channel = new LocalChannel();
    Object.defineProperty(channel, 'leaseExpiresAt', { value: performance.now() - 1 });
    const health = new SessionHealthIndicator(store, new NoJobs(), channel, LIMITS);
    expect((await health.check('a')).a).toMatchObject({
      status: 'up',
      warnings: ['channel-silent'],
    });
    const strict = await health.check('a', { downOn: ['channel-silent'] });
    expect(strict.a.status).toBe('down');
    const other = await health.check('a', { downOn: ['no-worker'] });
    expect(other.a.status).toBe('up');
  });

  it('asks once for checks that come together', async () => {
    const store = memoryStore();
    let count = 0;
    const now = store.now.bind(store);
    store.now = () => {
      count += 1;
      return now();
    };
    const health = new SessionHealthIndicator(store, new NoJobs(), new LocalChannel(), LIMITS);
    await Promise.all([health.check('a'), health.check('b'), health.check('c')]);
    expect(count).toBe(1);
    await health.check('a');
    expect(count).toBe(2);
  });
});

function failing(store: SessionStore): SessionStore {
  store.now = () => Promise.reject(new Error('select secret from 10.0.0.1'));
  return store;
}

/** What a queue without workers looks like, and one with. */
function watchesWorkers(settings: () => QueueSettings): void {
  it('misses a worker until one is there, and again when it has gone', async () => {
    const { health, warnings, startWorker, close } = onQueue(settings());
    await startWorker();
    await until(async () => (await warnings()).length === 0);
    expect((await health.check('session')).session).toMatchObject({ status: 'up', workers: 1 });
    await close();
    open.length = 0;
    const other = onQueue(settings());
    // The server may notice a little later that the connection has ended.
    await until(async () => (await other.warnings()).includes('no-worker'));
    expect((await other.health.check('session')).session).toMatchObject({
      status: 'up',
      workers: 0,
    });
  });
}

if (redis !== undefined) {
  const settings = (): QueueSettings => ({
    backend: 'redis',
    queueName: 'session',
    connection: { url: redis.url },
    prefix: `curfew-test-${randomBytes(4).toString('hex')}`,
  });

  describe('the health of a queue in Redis', () => {
    const name = settings();
    watchesWorkers(() => name);

    it('misses the worker and the schedule where there has never been one', async () => {
      expect(await onQueue(settings()).warnings()).toEqual(['no-worker', 'purge-late']);
    });

    it('names a Redis that may evict the queue', async () => {
      const admin = new Redis(redis.url);
      try {
        await admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
        expect(await onQueue(settings()).warnings()).toContain('redis-evicts');
      } finally {
        await admin.config('SET', 'maxmemory-policy', 'noeviction');
        admin.disconnect();
      }
      expect(await onQueue(settings()).warnings()).not.toContain('redis-evicts');
    });

    it('stays up, within the deadline, while Redis hangs or is gone, and sees it come back', async () => {
      const { health, warnings } = onQueue(settings());
      expect(await warnings()).not.toContain('queue-unreachable');
      await redis.freeze();
      const { session } = await health.check('session');
      expect(session).toMatchObject({ status: 'up', workers: null });
      expect(session.warnings).toEqual(['queue-unreachable']);
      redis.thaw();
      await until(async () => !(await warnings()).includes('queue-unreachable'));
      await redis.stop();
      await until(async () => (await warnings()).includes('queue-unreachable'));
      await redis.start();
      await until(async () => !(await warnings()).includes('queue-unreachable'));
    });
  });
}

if (postgres !== undefined) {
  const database = `curfew_test_${randomBytes(6).toString('hex')}`;

  describe('the health of a queue in PostgreSQL', () => {
    const settings = (): QueueSettings => ({
      backend: 'postgres',
      queueName: 'session',
      connection: { url: (postgres.options(database) as { url: string }).url },
    });
    beforeAll(() => postgres.create(database));
    afterAll(() => postgres.drop(database));

    it('misses the worker and the schedule before a worker has prepared it', async () => {
      const { health, warnings } = onQueue(settings());
      expect(await warnings()).toEqual(['no-worker', 'purge-late']);
      expect((await health.check('session')).session.workers).toBe(0);
    });

    watchesWorkers(settings);
  });
}
