import { afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { Queue } from 'bullmq';
import type { DataSource } from 'typeorm';

import { encodeJob } from '../../libs/session/src/jobs/job-payload.js';
import { SessionEntity } from '../../libs/session/src/store/session.entity.js';
import { untilBlocked } from '../support/blocked.js';
import { compileSources } from '../support/compiled-sources.js';
import { databaseUrlOf } from '../support/database-url.js';
import { describeEachDatabase } from '../support/databases.js';
import type { ObservedProcess } from '../support/observed-process.js';
import { insertOverdue } from '../support/overdue-sessions.js';
import { PrivateRedis } from '../support/redis.js';
import { openStore } from '../support/session-store.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';
import { deletedIn, workerStarter } from '../support/worker-processes.js';

/** What `docs/deployment.md` tells a supervisor to wait. */
const BOUND_MS = 30_000;

const OVERDUE = 10_000;

jest.setTimeout(2 * BOUND_MS);

const LOCKS: Readonly<Record<string, { readonly begin: string; readonly end: string }>> = {
  postgres: { begin: 'begin; lock table sessions', end: 'commit' },
  mariadb: { begin: 'lock tables sessions write', end: 'unlock tables' },
};

const startWorker = workerStarter(await compileSources('worker-shutdown'));
const redis = await PrivateRedis.start();

if (redis !== undefined) {
  await describeEachDatabase(
    'a worker that is told to stop',
    (database) => {
      let dataSource: DataSource;
      let queue: Queue;

      beforeAll(async () => {
        ({ dataSource } = await openStore(database));
      });
      afterEach(async () => {
        redis.thaw();
        await queue.close();
        await redis.stop();
        await redis.start();
        await dataSource.getRepository(SessionEntity).clear();
      });

      const databaseUrl = (): string => databaseUrlOf(database.options());
      const start = (url = databaseUrl()): ObservedProcess => {
        queue = new Queue('session', { connection: { url: redis.url } });
        queue.on('error', () => {});
        return startWorker({ DATABASE_URL: url, REDIS_URL: redis.url });
      };
      const rowCount = (): Promise<number> => dataSource.getRepository(SessionEntity).count();

      it.each(['answers', 'hangs'])(
        'finishes the statement under way, begins no other and exits with 0 where Redis %s',
        async (state) => {
          await insertOverdue(dataSource, OVERDUE);
          const unlock = await lockSessions(dataSource, LOCKS[database.name]!);
          const worker = start();
          await worker.says(/Worker is ready/);
          await untilBlocked(dataSource, database.name);
          if (state === 'hangs') await redis.freeze();
          const stopped = stop(worker);
          await unlock();
          await stopped;

          const deleted = OVERDUE - (await rowCount());
          expect(deleted).toBeGreaterThan(0);
          expect(deleted).toBeLessThan(OVERDUE);
          expect(deletedIn(worker)).toBe(deleted);
          expect(worker.output).not.toMatch(/\[Purge\] failed|ERROR/);
          if (state === 'hangs') return;
          expect(worker.output).not.toContain('WARN');
          expect(await queue.getJobCounts('active', 'failed')).toEqual({ active: 0, failed: 0 });
        },
      );

      it('exits with 0 within its bound where Redis hangs, and the database during a purge', async () => {
        const proxy = await TcpProxy.start(databaseUrl());
        await insertOverdue(dataSource, OVERDUE);
        const worker = start(proxy.through(databaseUrl()));
        await worker.says(/Worker is ready/);
        await until(async () => (await rowCount()) < OVERDUE);
        proxy.freeze();
        await until(() => proxy.swallowedBytes > 0);
        await redis.freeze();
        expect(await stop(worker)).toBeLessThan(BOUND_MS);
        await proxy.close();
      });

      // Where the sessions are makes no difference to what follows.
      if (database.name !== 'postgres') return;

      it('leaves the jobs that it has not begun to another worker', async () => {
        const worker = start();
        await worker.says(/Worker is ready/);
        const sweeps = Array.from({ length: 200 }, (_, index) =>
          encodeJob({ name: 'revoke-user', userId: `user-${index}` }),
        );
        await queue.addBulk(sweeps);
        await until(async () => (await queue.getWaitingCount()) < sweeps.length);
        await stop(worker);

        const { waiting, ...rest } = await queue.getJobCounts('waiting', 'active', 'failed');
        expect(waiting).toBeGreaterThan(0);
        expect(rest).toEqual({ active: 0, failed: 0 });
        startWorker({ DATABASE_URL: databaseUrl(), REDIS_URL: redis.url });
        await until(async () => (await queue.getJobCountByTypes('waiting', 'active')) === 0);
        expect(await queue.getFailedCount()).toBe(0);
      });

      it.each(['gone', 'hung'])(
        'exits with 0 within its bound where Redis is %s',
        async (fault) => {
          const worker = start();
          await worker.says(/Worker is ready/);
          await until(async () => (await queue.getCompletedCount()) > 0);
          if (fault === 'gone') await redis.stop();
          else await redis.freeze();
          expect(await stop(worker)).toBeLessThan(BOUND_MS);
        },
      );

      it('exits with 0 within its bound where the queue is in a database that hangs', async () => {
        const proxy = await TcpProxy.start(databaseUrl());
        const worker = startWorker({ DATABASE_URL: proxy.through(databaseUrl()) });
        await worker.says(/Worker is ready: BullMQ on postgres/);
        await insertOverdue(dataSource, OVERDUE);
        await until(async () => (await rowCount()) < OVERDUE);
        proxy.freeze();
        await until(() => proxy.swallowedBytes > 0);
        expect(await stop(worker)).toBeLessThan(BOUND_MS);
        await proxy.close();
      });
    },
    ['postgres', 'mariadb'],
  );
}

/** @returns how long it took, in milliseconds. */
async function stop(worker: ObservedProcess): Promise<number> {
  const startedAt = performance.now();
  worker.kill('SIGTERM');
  expect(await worker.exited).toBe(0);
  return performance.now() - startedAt;
}

/** Holds up whatever reads the table. @returns what lets it go on. */
async function lockSessions(
  dataSource: DataSource,
  { begin, end }: { readonly begin: string; readonly end: string },
): Promise<() => Promise<void>> {
  const queryRunner = dataSource.createQueryRunner();
  await queryRunner.query(begin);
  return async () => {
    await queryRunner.query(end);
    await queryRunner.release();
  };
}
