import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';

import { FakeClock } from '../../libs/session/src/testing/fake-clock.js';
import { MemorySessionStore } from '../../libs/session/src/testing/memory-session-store.js';
import { captureLogs } from '../support/captured-logger.js';
import { bullmqJobs, type TestJobs } from '../support/job-drivers.js';
import { newSession } from '../support/new-session.js';
import { nextEvent } from '../support/next-event.js';
import { PrivateRedis } from '../support/redis.js';
import { until } from '../support/until.js';

const GARBAGE: readonly [string, string, unknown][] = [
  ['of a version to come', 'purge', { version: 2 }],
  ['without a version', 'purge', {}],
  ['with a name that no worker knows', 'drop-table', { version: 1 }],
  ['with a name from the prototype', '__proto__', { version: 1 }],
  ['with keys too many', 'purge', { version: 1, limit: 1 }],
  ['without its user', 'revoke-user', { version: 1 }],
  ['with another type of user', 'revoke-user', { version: 1, userId: { $ne: null } }],
  ['with a user of no length', 'revoke-user', { version: 1, userId: '' }],
  ['with a user too long', 'revoke-user', { version: 1, userId: 'x'.repeat(1000) }],
  ['that is null', 'purge', null],
  ['that is a list', 'purge', [{ version: 1 }]],
  ['that is text of 10 MB', 'purge', 'x'.repeat(10_000_000)],
  ['that is an object of 10 MB', 'revoke-user', { version: 1, userId: 'x'.repeat(10_000_000) }],
  ['that is deep', 'purge', JSON.parse(`${'['.repeat(1000)}${']'.repeat(1000)}`)],
];

const logs = captureLogs();
const redis = await PrivateRedis.start();

if (redis !== undefined) {
  describe('jobs that somebody else wrote', () => {
    const open: TestJobs[] = [];
    const queue = new Queue('session', { connection: { url: redis.url } });
    const admin = new Redis(redis.url);

    afterEach(async () => {
      await Promise.all(open.splice(0).map((deployment) => deployment.close()));
      await queue.obliterate({ force: true });
      logs.length = 0;
    });
    afterAll(async () => {
      await queue.close();
      admin.disconnect();
    });

    function start() {
      const store = new MemorySessionStore({ clock: new FakeClock() });
      const connection = { url: redis!.url };
      const settings = { backend: 'redis', queueName: 'session', connection } as const;
      const deployment = bullmqJobs(settings, store, 1000);
      open.push(deployment);
      return { store, ...deployment };
    }

    it.each(GARBAGE)(
      'fail for good with a code, and their neighbours run: a job %s',
      async (_kind, name, data) => {
        const { store, jobs, startWorker } = start();
        await store.insert(newSession());
        const events = await startWorker();
        const job = await queue.add(name, data, { attempts: 5 });
        await store.raiseEpoch('ann', 'revoked');
        jobs.requestSweep('ann');
        await nextEvent(events, 'session:revoked');
        await until(async () => (await job.getState()) === 'failed');
        const failed = await queue.getJob(job.id!);
        expect(failed?.failedReason).toContain('[SESSION_JOB_INVALID]');
        expect(failed?.failedReason?.length).toBeLessThan(300);
        expect(failed?.attemptsMade).toBe(1);
      },
    );

    it('stay in the failed set in a bounded number', async () => {
      const { startWorker } = start();
      const garbage = Array.from({ length: 1200 }, () => ({ name: 'spam', data: {} }));
      await queue.addBulk(garbage);
      await startWorker();
      await until(
        async () => (await queue.getWaitingCount()) === 0 && (await queue.getActiveCount()) === 0,
      );
      expect(await queue.getFailedCount()).toBe(1000);
    });

    it('leave nothing in the memory of the worker, however large they are', async () => {
      const { startWorker } = start();
      const events = await startWorker();
      await nextEvent(events, 'purge:completed');
      const before = heapUsed();
      for (let count = 1; count <= 5; count += 1) {
        await queue.add('purge', randomBytes(5_000_000).toString('hex'));
        await until(async () => (await queue.getFailedCount()) === count);
      }
      // Half of what was written.
      expect(heapUsed() - before).toBeLessThan(25_000_000);
    });

    it('do not keep the worker from its work where they are not even JSON', async () => {
      const { startWorker } = start();
      const job = await queue.add('purge', { version: 1 });
      await admin.hset(`bull:session:${job.id}`, 'data', '{"version":');
      const gone = await queue.add('purge', { version: 1 });
      await admin.del(`bull:session:${gone.id}`);
      const events = await startWorker();
      for (let count = 0; count < 3; count += 1) await nextEvent(events, 'purge:completed');
      expect(logs.filter((line) => line.includes('SyntaxError'))).toHaveLength(1);
    });
  });
}

/** In bytes, without what nobody holds any more. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
