import { randomBytes } from 'node:crypto';

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createPostgresBackend, Queue } from 'bullmq';
import pg from 'pg';

import { days, minutes } from '../../libs/session/src/core/duration.js';
import { EVERYONE } from '../../libs/session/src/core/user-id.js';
import { encodeJob } from '../../libs/session/src/jobs/job-payload.js';
import { PURGE_SCHEDULER } from '../../libs/session/src/jobs/queue-defaults.js';
import type { QueueSettings } from '../../libs/session/src/jobs/job-queue.js';
import { FakeClock } from '../../libs/session/src/testing/fake-clock.js';
import { MemorySessionStore } from '../../libs/session/src/testing/memory-session-store.js';
import { absent } from '../support/absent-server.js';
import { captureLogs } from '../support/captured-logger.js';
import { findPostgres } from '../support/database-servers.js';
import { bullmqJobs, inProcessJobs, type TestJobs } from '../support/job-drivers.js';
import { newSession } from '../support/new-session.js';
import { collectEvents, nextEvent } from '../support/next-event.js';
import { deleteKeys, findRedis } from '../support/redis.js';
import { skewedDate } from '../support/skewed-date.js';
import { until } from '../support/until.js';

/** The shortest interval between two purges. */
const EVERY_MS = 1000;

/** An interval that no test lives to see the end of. */
const SELDOM_MS = minutes(10);

const logs = captureLogs();
const machine = skewedDate();

/** A queue that a test looks into, and what makes its server forget it. */
interface InspectedQueue {
  readonly settings: QueueSettings;
  create(): Promise<void>;
  open(): Queue;
  forget(): Promise<void>;
  drop(): Promise<void>;
}

interface Driver {
  readonly name: string;
  readonly queue: InspectedQueue | null;
}

const drivers: Driver[] = [{ name: 'in-process', queue: null }];
const redis = await findRedis();
if (redis !== undefined) drivers.push({ name: 'bullmq on Redis', queue: redisQueue(redis) });
const postgres = (await findPostgres()) ?? absent('postgres');
if (postgres !== undefined)
  drivers.push({ name: 'bullmq on Postgres', queue: postgresQueue(postgres) });

describe.each(drivers)('jobs: $name', ({ queue }) => {
  const open: TestJobs[] = [];

  function start(everyMs = EVERY_MS) {
    const clock = new FakeClock();
    const store = new MemorySessionStore({ clock, retentionMs: 0, purgeBucketMs: 1000 });
    const deployment =
      queue === null ? inProcessJobs(store, everyMs) : bullmqJobs(queue.settings, store, everyMs);
    open.push(deployment);
    return { clock, store, ...deployment };
  }

  // Here and not at the top of the file: an embedded server is stopped by a hook that is there already.
  beforeAll(() => queue?.create());
  afterEach(async () => {
    await Promise.all(open.splice(0).map((deployment) => deployment.close()));
    await queue?.forget();
    logs.length = 0;
  });
  afterAll(() => queue?.drop());

  it('purges without anyone asking, and goes on doing so', async () => {
    const { clock, store, startWorker } = start();
    const events = await startWorker();
    for (const id of ['first', 'second']) {
      await store.insert(newSession({ id }));
      clock.advance(days(2));
      const { deleted } = await nextEvent(
        events,
        'purge:completed',
        (report) => report.deleted > 0,
      );
      expect(deleted).toBe(1);
      expect(await store.find(id)).toBeUndefined();
    }
  });

  it('sweeps a user who is asked for, without waiting for the next purge', async () => {
    const { store, jobs, startWorker } = start(SELDOM_MS);
    for (let count = 0; count < 3; count += 1) await store.insert(newSession());
    const events = await startWorker();
    await nextEvent(events, 'purge:completed');
    const revoked = collectEvents(events, 'session:revoked');
    await store.raiseEpoch('ann', 'password-changed');
    const last = nextEvent(events, 'session:revoked', () => revoked.length === 3);
    jobs.requestSweep('ann');
    await last;

    expect(new Set(revoked.map(({ sessionId }) => sessionId)).size).toBe(3);
    await until(async () => (await store.stalePrincipals(1)).length === 0);
  });

  it('sweeps everyone who is asked for, without waiting for the next purge', async () => {
    const { store, jobs, startWorker } = start(SELDOM_MS);
    await store.insert(newSession());
    await store.insert(newSession({ userId: null }));
    const events = await startWorker();
    await nextEvent(events, 'purge:completed');
    const revoked = collectEvents(events, 'session:revoked');
    await store.raiseEveryonesEpoch('incident');
    const last = nextEvent(events, 'session:revoked', () => revoked.length === 2);
    jobs.requestSweep(EVERYONE);
    await last;

    expect(new Set(revoked.map(({ userId }) => userId))).toEqual(new Set(['ann', null]));
    await until(async () => (await store.stalePrincipals(1)).length === 0);
  });

  it('sweeps a user whose request was lost with its next purge', async () => {
    const { store, startWorker } = start();
    await store.insert(newSession());
    const events = await startWorker();
    await nextEvent(events, 'purge:completed');
    const revoked = nextEvent(events, 'session:revoked');
    await store.raiseEpoch('ann', 'revoked');

    expect(await revoked).toMatchObject({ userId: 'ann', reason: 'revoked' });
  });

  it('purges again at once when a run has left rows', async () => {
    const { clock, store, startWorker } = start(SELDOM_MS);
    for (let count = 0; count < 600; count += 1) await store.insert(newSession());
    clock.advance(days(2));
    const purgeBatch = store.purgeBatch.bind(store);
    // So slow that the pause which follows is longer than the budget of 5 s: the run ends after one batch.
    store.purgeBatch = async (request) => {
      const startedAt = performance.now();
      while (performance.now() - startedAt < 1001);
      return purgeBatch(request);
    };
    const events = await startWorker();
    const first = await nextEvent(events, 'purge:completed');
    const second = await nextEvent(events, 'purge:completed');

    expect(first).toMatchObject({ deleted: 500, more: true });
    expect(second).toMatchObject({ deleted: 100, more: false });
  });

  it('stops a purge between two statements when it is closed', async () => {
    const { store, startWorker, close } = start(SELDOM_MS);
    let batchCount = 0;
    const begun = new Promise<void>((resolve) => {
      store.purgeBatch = async ({ limit, watermark }) => {
        batchCount += 1;
        resolve();
        const deleted = Array.from({ length: limit }, (_, index) => ({
          id: `${index}`,
          userId: null,
          reason: 'revoked',
          purgeAt: 0,
        }));
        return { selected: limit, deleted, watermark };
      };
    });
    const events = await startWorker();
    const completed = nextEvent(events, 'purge:completed');
    await begun;
    const startedAt = performance.now();
    await close();

    expect(performance.now() - startedAt).toBeLessThan(2000);
    expect(await completed).toMatchObject({ more: true });
    const countAtClose = batchCount;
    await new Promise((resolve) => setImmediate(resolve));
    expect(batchCount).toBe(countAtClose);
  });

  if (queue !== null) {
    it('announces each session once, however many workers do the same jobs', async () => {
      const { store, startWorker } = start(SELDOM_MS);
      for (let count = 0; count < 1000; count += 1) await store.insert(newSession());
      const workers = [await startWorker(), await startWorker()];
      const revoked = workers.map((events) => collectEvents(events, 'session:revoked'));
      await Promise.race(workers.map((events) => nextEvent(events, 'purge:completed')));
      await store.raiseEpoch('ann', 'revoked');
      const inspected = queue.open();
      const sweeps = Array.from({ length: 10 }, () =>
        encodeJob({ name: 'revoke-user', userId: 'ann' }),
      );
      const before = await inspected.getCompletedCount();
      await inspected.addBulk(sweeps);
      await until(async () => (await inspected.getCompletedCount()) >= before + 10);

      expect(new Set(revoked.flat().map(({ sessionId }) => sessionId)).size).toBe(1000);
      expect(revoked.flat()).toHaveLength(1000);
      await inspected.close();
    });

    it('fails jobs that it does not understand for good while their neighbours run', async () => {
      const { store, jobs, startWorker } = start();
      await store.insert(newSession());
      const events = await startWorker();
      await nextEvent(events, 'purge:completed');
      const inspected = queue.open();
      await inspected.add('purge', { version: 99 }, { attempts: 5 });
      await inspected.add('drop-table', { version: 1 }, { attempts: 5 });
      await inspected.add('revoke-user', { version: 1, userId: ['ann'] }, { attempts: 5 });
      await inspected.add('revoke-user', 'x'.repeat(1_000_000), { attempts: 5 });
      await store.raiseEpoch('ann', 'revoked');
      jobs.requestSweep('ann');
      await nextEvent(events, 'session:revoked');
      await until(async () => (await inspected.getFailedCount()) === 4);
      const failed = await inspected.getFailed();

      expect(failed).toHaveLength(4);
      for (const job of failed) {
        expect(job.attemptsMade).toBe(1);
        expect(job.failedReason).toContain('SESSION_JOB_INVALID');
      }
      expect(logs.filter((line) => line.includes('SESSION_JOB_INVALID'))).toHaveLength(4);
      await nextEvent(events, 'purge:completed');
      await inspected.close();
    });

    it('keeps what a driver says about a failure out of the queue and the log', async () => {
      const { store, startWorker } = start();
      store.purgeBatch = async () => {
        throw Object.assign(new Error("delete from sessions where token = 'hunter2'"), {
          code: '42P01',
        });
      };
      const events = await startWorker();
      await nextEvent(events, 'purge:failed');
      const inspected = queue.open();
      await until(async () => (await inspected.getFailedCount()) > 0);
      const [failed] = await inspected.getFailed();

      expect(failed).toMatchObject({ failedReason: 'Error 42P01' });
      expect(JSON.stringify(failed)).not.toContain('hunter2');
      await until(() => logs.some((line) => line.includes('job failed name=purge')));
      expect(logs.join('\n')).toContain('42P01');
      expect(logs.join('\n')).not.toContain('hunter2');
      await inspected.close();
    });

    it('schedules the purge anew when the server has forgotten it', async () => {
      const { startWorker } = start();
      const events = await startWorker();
      await nextEvent(events, 'purge:completed');
      await queue.forget();
      // The one that was due when it forgot, if any, and those of the new schedule.
      for (let count = 0; count < 3; count += 1) {
        expect(await nextEvent(events, 'purge:completed')).toMatchObject({ more: false });
      }
    });

    it('does not wait for a run that a worker has scheduled whose clock is ahead', async () => {
      const { startWorker } = start();
      const inspected = queue.open();
      machine.setSkew(days(1));
      await inspected.upsertJobScheduler(PURGE_SCHEDULER, { every: EVERY_MS });
      machine.setSkew(0);
      const { next = 0 } = (await inspected.getJobScheduler(PURGE_SCHEDULER)) ?? {};
      expect(next).toBeGreaterThan(Date.now() + minutes(1));
      const events = await startWorker();
      expect(await nextEvent(events, 'purge:completed')).toMatchObject({ more: false });
      await inspected.close();
    });

    it('has one schedule, however many workers there are and whatever it was before', async () => {
      const { startWorker } = start();
      const inspected = queue.open();
      await inspected.upsertJobScheduler(PURGE_SCHEDULER, { every: minutes(60) });
      const workers = [await startWorker(), await startWorker()];
      await Promise.race(workers.map((events) => nextEvent(events, 'purge:completed')));
      const schedulers = await inspected.getJobSchedulers();

      expect(schedulers).toHaveLength(1);
      expect(schedulers[0]).toMatchObject({ key: PURGE_SCHEDULER, every: EVERY_MS });
      await inspected.close();
    });
  }
});

function redisQueue({ url, prefix }: { url: string; prefix: string }): InspectedQueue {
  const connection = { url };
  const settings: QueueSettings = { backend: 'redis', connection, queueName: 'session', prefix };
  return {
    settings,
    async create() {},
    open: () => new Queue('session', { connection, prefix }),
    forget: () => deleteKeys(url, prefix),
    drop: () => deleteKeys(url, prefix),
  };
}

function postgresQueue(server: NonNullable<typeof postgres>): InspectedQueue {
  const database = `curfew_test_${randomBytes(6).toString('hex')}`;
  const { url } = server.options(database) as { url: string };
  const schema = 'session_jobs';
  const connection = { connectionString: url, schema, migrate: true };
  const settings: QueueSettings = {
    backend: 'postgres',
    connection: { url },
    queueName: 'session',
    prefix: schema,
  };
  return {
    settings,
    create: () => server.create(database),
    drop: () => server.drop(database),
    // The class is the same; only the type of its connection differs.
    open: () => new Queue('session', { connection }, createPostgresBackend) as unknown as Queue,
    async forget() {
      const client = new pg.Client(url);
      await client.connect();
      await client.query(
        `delete from ${schema}.job; delete from ${schema}.scheduler; delete from ${schema}.meta`,
      );
      await client.end();
    },
  };
}
