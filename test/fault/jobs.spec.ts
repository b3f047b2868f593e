import { randomBytes } from 'node:crypto';

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import pg from 'pg';

import { days, minutes } from '../../libs/session/src/core/duration.js';
import type { QueueSettings } from '../../libs/session/src/jobs/job-queue.js';
import { settle } from '../../libs/session/src/jobs/redis-connection.js';
import { FakeClock } from '../../libs/session/src/testing/fake-clock.js';
import { MemorySessionStore } from '../../libs/session/src/testing/memory-session-store.js';
import { absent } from '../support/absent-server.js';
import { captureLogs } from '../support/captured-logger.js';
import { findPostgres } from '../support/database-servers.js';
import { freePort } from '../support/embedded-postgres.js';
import { bullmqJobs, type TestJobs } from '../support/job-drivers.js';
import { newSession } from '../support/new-session.js';
import { nextEvent } from '../support/next-event.js';
import { PrivateRedis } from '../support/redis.js';
import { startSilentServer } from '../support/silent-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

/** Closing waits for a peer no longer than this, with room for a busy machine. */
const CLOSE_BOUND_MS = 8000;

/** How long a request that cannot be made is tried. */
const DEADLINE_MS = 2000;

/** Closing is quicker where the peer is known to be gone. */
const QUICK_CLOSE_MS = 3000;

/** So many that some meet a client of BullMQ's while nobody listens to it. */
const TERMINATIONS = 300;

const TERMINATE_OTHERS = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid()`;

const logs = captureLogs();
const silent = await startSilentServer();
const deadPort = await freePort();
const redis = await PrivateRedis.start();
const postgres = (await findPostgres()) ?? absent('postgres');
const open: TestJobs[] = [];

function start(settings: Omit<QueueSettings, 'queueName'>, everyMs = 1000) {
  const clock = new FakeClock();
  const store = new MemorySessionStore({ clock, retentionMs: 0, purgeBucketMs: 1000 });
  const deployment = bullmqJobs({ ...settings, queueName: 'session' }, store, everyMs);
  open.push(deployment);
  return { clock, store, ...deployment };
}

async function elapsed(work: () => unknown): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

async function closeAll(): Promise<void> {
  await Promise.all(open.splice(0).map((deployment) => deployment.close()));
  logs.length = 0;
}

afterEach(closeAll);

const unreachable: [string, Omit<QueueSettings, 'queueName'>][] = (
  ['redis', 'postgres'] as const
).flatMap((backend) => [
  [
    `${backend} down`,
    { backend, connection: { url: `${backend}://u:hunter2@127.0.0.1:${deadPort}/0` } },
  ],
  [
    `${backend} hung`,
    { backend, connection: { url: `${backend}://u:hunter2@127.0.0.1:${silent.port}/0` } },
  ],
]);

describe.each(unreachable)('jobs with %s', (name, settings) => {
  it('returns at once from a request, drops it after its deadline and says so without the password', async () => {
    const { jobs } = start(settings);
    await jobs.start();
    const requestMs = await elapsed(() => {
      for (let count = 0; count < 1000; count += 1) jobs.requestSweep(`user-${count}`);
    });
    const closeMs = await elapsed(() => jobs.close());

    expect(requestMs).toBeLessThan(100);
    expect(closeMs).toBeLessThan(name.endsWith('down') ? DEADLINE_MS : CLOSE_BOUND_MS);
    expect(logs.filter((line) => line.includes('queue unavailable'))).not.toEqual([]);
    expect(logs.join('\n')).not.toContain('hunter2');
  });

  it('starts a worker without waiting, and closes it within a bound', async () => {
    const { startWorker, close } = start(settings);
    expect(await elapsed(startWorker)).toBeLessThan(1000);
    expect(await elapsed(close)).toBeLessThan(CLOSE_BOUND_MS);
    expect(logs.join('\n')).not.toContain('hunter2');
  });
});

if (redis !== undefined) {
  describe('jobs on a Redis that fails', () => {
    const settings = { backend: 'redis', connection: { url: redis.url } } as const;

    afterEach(async () => {
      await closeAll();
      await redis.stop();
      await redis.start();
    });

    it('begins to purge when a Redis that was absent at the start appears', async () => {
      await redis.stop();
      const { startWorker } = start(settings);
      const events = await startWorker();
      await redis.start();
      expect(await nextEvent(events, 'purge:completed')).toMatchObject({ more: false });
    });

    it('goes on with the purge when Redis was killed and came back empty', async () => {
      const { clock, store, startWorker } = start(settings);
      const events = await startWorker();
      await nextEvent(events, 'purge:completed');
      await redis.stop();
      await store.insert(newSession({ id: 'due' }));
      clock.advance(days(2));
      await redis.start();
      await nextEvent(events, 'purge:completed', ({ deleted }) => deleted === 1);
      expect(await store.find('due')).toBeUndefined();
    });

    it('enqueues again after an outage', async () => {
      const { store, jobs, startWorker } = start(settings, minutes(10));
      const events = await startWorker();
      await nextEvent(events, 'purge:completed');
      await store.insert(newSession());
      await store.raiseEpoch('ann', 'revoked');
      await redis.freeze();
      jobs.requestSweep('bob');
      await until(() => logs.some((line) => line.includes('sweeps left to the recurring purge')));
      redis.thaw();
      const revoked = nextEvent(events, 'session:revoked');
      jobs.requestSweep('ann');

      expect(await revoked).toMatchObject({ userId: 'ann' });
    });

    it.each(['gone', 'back'])(
      'settles the commands of a lost connection when Redis is %s',
      async (state) => {
        const connection = new Redis(redis.url, {
          maxRetriesPerRequest: 0,
          retryStrategy: () => 100,
        });
        connection.on('error', () => {});
        await connection.ping();
        await redis.stop();
        await until(() => connection.status === 'reconnecting');
        const pending = connection.bzpopmin('key', 0);
        connection.disconnect();
        if (state === 'back') await redis.start();
        settle(connection);

        await expect(pending).rejects.toThrow('closed');
        expect(connection.status).toBe('end');
      },
    );

    it.each(['gone', 'hung'])('closes a worker within a bound when Redis is %s', async (fault) => {
      const before = process.getActiveResourcesInfo().length;
      // With nothing due for long, BullMQ waits for the next job as long as it ever does.
      const { startWorker, close } = start(settings, minutes(10));
      await nextEvent(await startWorker(), 'purge:completed');
      if (fault === 'gone') await redis.stop();
      else await redis.freeze();

      expect(await elapsed(close)).toBeLessThan(QUICK_CLOSE_MS);
      // Nothing is left that would keep the process alive.
      const lingerMs = await elapsed(() =>
        until(() => process.getActiveResourcesInfo().length <= before),
      );
      expect(lingerMs).toBeLessThan(QUICK_CLOSE_MS);
    });
  });
}

if (postgres !== undefined) {
  describe('jobs on a PostgreSQL that fails', () => {
    const database = `curfew_test_${randomBytes(6).toString('hex')}`;
    const { url } = postgres.options(database) as { url: string };
    let proxy: TcpProxy;
    let queueCount = 0;
    /** Of a queue that no other test has left jobs in. */
    const settings = () =>
      ({
        backend: 'postgres',
        connection: { url: proxy.through(url) },
        prefix: `queue_${(queueCount += 1)}`,
      }) as const;

    beforeAll(async () => {
      await postgres.create(database);
      proxy = await TcpProxy.start(url);
    });
    afterEach(async () => {
      await proxy.heal();
      await closeAll();
    });
    afterAll(async () => {
      await proxy.close();
      await postgres.drop(database);
    });

    it('starts workers and a producer beside each other on a server without the queue’s schema', async () => {
      const { store, jobs, startWorker } = start(settings(), minutes(10));
      await store.insert(newSession());
      await jobs.start();
      const workers = await Promise.all([startWorker(), startWorker(), startWorker()]);
      await Promise.race(workers.map((events) => nextEvent(events, 'purge:completed')));
      await store.raiseEpoch('ann', 'revoked');
      jobs.requestSweep('ann');
      await Promise.race(workers.map((events) => nextEvent(events, 'session:revoked')));

      expect(logs.filter((line) => line.includes('unavailable'))).toEqual([]);
    });

    it('begins to purge when a server that was absent at the start appears', async () => {
      proxy.cut();
      const { startWorker } = start(settings());
      const events = await startWorker();
      await until(() => logs.some((line) => line.includes('queue unavailable')));
      await proxy.heal();
      expect(await nextEvent(events, 'purge:completed')).toMatchObject({ more: false });
    });

    it('goes on with the purge when the connections were lost', async () => {
      const { clock, store, startWorker } = start(settings());
      const events = await startWorker();
      await nextEvent(events, 'purge:completed');
      proxy.cut();
      await store.insert(newSession({ id: 'due' }));
      clock.advance(days(2));
      await proxy.heal();
      await nextEvent(events, 'purge:completed', ({ deleted }) => deleted === 1);
      expect(await store.find('due')).toBeUndefined();
    });

    it('enqueues again after an outage', async () => {
      const { store, jobs, startWorker } = start(settings(), minutes(10));
      const events = await startWorker();
      await nextEvent(events, 'purge:completed');
      await store.insert(newSession());
      await store.raiseEpoch('ann', 'revoked');
      proxy.cut();
      jobs.requestSweep('bob');
      await until(() => logs.some((line) => line.includes('sweeps left to the recurring purge')));
      await proxy.heal();
      const revoked = nextEvent(events, 'session:revoked');
      jobs.requestSweep('ann');

      expect(await revoked).toMatchObject({ userId: 'ann' });
    });

    it('goes on when the connection is lost at which BullMQ looks for its schema', async () => {
      const { store, jobs, startWorker } = start(settings(), minutes(10));
      const events = await startWorker();
      await nextEvent(events, 'purge:completed');
      await store.insert(newSession());
      await store.raiseEpoch('ann', 'revoked');
      const cut = proxy.cutOn('server_version_num', 'before-its-answer');
      jobs.requestSweep('bob');
      await cut;
      await until(() => logs.some((line) => line.includes('sweeps left to the recurring purge')));
      const revoked = nextEvent(events, 'session:revoked');
      jobs.requestSweep('ann');

      expect(await revoked).toMatchObject({ userId: 'ann' });
    });

    it('goes on when the server ends its connections again and again while jobs run', async () => {
      const { store, jobs, startWorker } = start(settings());
      const events = await startWorker();
      await nextEvent(events, 'purge:completed');
      await store.insert(newSession());
      const admin = new pg.Client(url);
      await admin.connect();
      for (let round = 0; round < TERMINATIONS; round += 1) {
        jobs.requestSweep(`user-${round}`);
        await admin.query(TERMINATE_OTHERS);
      }
      await admin.end();
      await store.raiseEpoch('ann', 'revoked');
      const revoked = nextEvent(events, 'session:revoked');

      expect(await revoked).toMatchObject({ userId: 'ann' });
    });

    it.each(['gone', 'hung'])(
      'closes a worker within a bound when the server is %s',
      async (fault) => {
        const { startWorker, close } = start(settings());
        await nextEvent(await startWorker(), 'purge:completed');
        if (fault === 'gone') proxy.cut();
        else proxy.freeze();

        expect(await elapsed(close)).toBeLessThan(CLOSE_BOUND_MS);
      },
    );
  });
}
