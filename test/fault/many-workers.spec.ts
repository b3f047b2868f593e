import { randomBytes } from 'node:crypto';

import { afterEach, expect, it, jest } from '@jest/globals';
import { Queue } from 'bullmq';
import { IsNull } from 'typeorm';

import { encodeJob } from '../../libs/session/src/jobs/job-payload.js';
import { SessionEntity } from '../../libs/session/src/store/session.entity.js';
import { captureLogs } from '../support/captured-logger.js';
import { describeEachDatabase } from '../support/databases.js';
import { bullmqJobs, type TestJobs } from '../support/job-drivers.js';
import { newSession } from '../support/new-session.js';
import { collectEvents } from '../support/next-event.js';
import { insertOverdue } from '../support/overdue-sessions.js';
import { findRedis } from '../support/redis.js';
import { openStore } from '../support/session-store.js';
import { until } from '../support/until.js';

const USERS = 100;
const SESSIONS_EACH = 3;
const OVERDUE = 5000;

jest.setTimeout(90_000);

const logs = captureLogs();
const redis = await findRedis();

if (redis !== undefined) {
  await describeEachDatabase(
    'workers beside each other',
    (database) => {
      const open: TestJobs[] = [];
      afterEach(async () => {
        await Promise.all(open.splice(0).map((deployment) => deployment.close()));
        logs.length = 0;
      });

      it.each([2, 8])(
        'share the work, do nothing twice and fail in nothing: %d of them',
        async (count) => {
          const prefix = `${redis.prefix}:${randomBytes(4).toString('hex')}`;
          const connection = { url: redis.url };
          const settings = { backend: 'redis', connection, queueName: 'session', prefix } as const;
          const timing = { retentionMs: 0, purgeBucketMs: 1000 };
          const { store, dataSource } = await openStore(database, timing);
          const users = Array.from({ length: USERS }, (_, index) => `user-${index}`);
          for (const userId of users) {
            for (let each = 0; each < SESSIONS_EACH; each += 1) {
              await store.insert(newSession({ userId }));
            }
            await store.raiseEpoch(userId, 'password-changed');
          }
          await insertOverdue(dataSource, OVERDUE);
          const queue = new Queue('session', { connection, prefix });
          // So that no worker is done before another has begun.
          await queue.pause();
          await queue.addBulk([
            ...users.flatMap((userId) => [
              encodeJob({ name: 'revoke-user', userId }),
              encodeJob({ name: 'revoke-user', userId }),
            ]),
            ...Array.from({ length: count }, () => encodeJob({ name: 'purge' })),
          ]);

          // Each has a pool of its own, as a process of its own would.
          const workers = await Promise.all(
            Array.from({ length: count }, async () => {
              const own = await openStore(database, timing, { poolSize: 4 });
              const deployment = bullmqJobs(settings, own.store, 1000);
              open.push(deployment);
              const events = await deployment.startWorker();
              return {
                revoked: collectEvents(events, 'session:revoked'),
                expired: collectEvents(events, 'session:expired'),
                failures: collectEvents(events, 'purge:failed'),
              };
            }),
          );
          await until(async () => (await queue.getWorkersCount()) === count);
          await queue.resume();
          const repository = dataSource.getRepository(SessionEntity);
          await until(
            async () =>
              (await queue.getWaitingCount()) === 0 &&
              (await repository.countBy({ userId: IsNull() })) === 0 &&
              (await store.stalePrincipals(1)).length === 0,
          );
          // What is gone from the table may not have been announced yet.
          await Promise.all(open.splice(0).map((deployment) => deployment.close()));

          const revoked = workers
            .flatMap((worker) => worker.revoked)
            .map(({ sessionId }) => sessionId);
          const expired = workers
            .flatMap((worker) => worker.expired)
            .map(({ sessionId }) => sessionId);
          expect(revoked).toHaveLength(USERS * SESSIONS_EACH);
          expect(new Set(revoked).size).toBe(revoked.length);
          expect(expired).toHaveLength(OVERDUE);
          expect(new Set(expired).size).toBe(OVERDUE);
          const busy = workers.filter(
            (worker) => worker.revoked.length + worker.expired.length > 0,
          );
          expect(busy.length).toBeGreaterThan(1);
          expect(workers.flatMap(({ failures }) => failures)).toEqual([]);
          expect(await queue.getFailedCount()).toBe(0);
          expect(logs).toEqual([]);
          await queue.close();
        },
      );
    },
    ['postgres', 'mariadb'],
  );
}
