import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import { LocalChannel } from '../../libs/session/src/channel/local-channel.js';
import { days } from '../../libs/session/src/core/duration.js';
import type { SessionEvents } from '../../libs/session/src/core/session-events.js';
import { purgeLimits } from '../../libs/session/src/health/health-warnings.js';
import { SessionHealthIndicator } from '../../libs/session/src/health/session-health.indicator.js';
import { PURGE_SCHEDULER } from '../../libs/session/src/jobs/queue-defaults.js';
import { FakeClock } from '../../libs/session/src/testing/fake-clock.js';
import { MemorySessionStore } from '../../libs/session/src/testing/memory-session-store.js';
import { captureLogs } from '../support/captured-logger.js';
import { bullmqJobs, type TestJobs } from '../support/job-drivers.js';
import { newSession } from '../support/new-session.js';
import { nextEvent } from '../support/next-event.js';
import { PrivateRedis } from '../support/redis.js';
import { Turnstile } from '../support/turnstile.js';
import { until } from '../support/until.js';

const EVERY_MS = 1000;

const DONE = ['ann revoked', 'due gone'];

const LIMITS = purgeLimits({ purge: { everyMs: EVERY_MS, budgetMs: 1000 }, purgeBucketMs: 1000 });

const logs = captureLogs();
const redis = await PrivateRedis.start();

if (redis !== undefined) {
  describe('the queue in a Redis that forgets', () => {
    const admin = new Redis(redis.url);
    let deployment: TestJobs;
    let clock: FakeClock;
    let store: MemorySessionStore;

    async function start(): Promise<SessionEvents> {
      clock = new FakeClock();
      store = new MemorySessionStore({ clock, retentionMs: 0, purgeBucketMs: 1000 });
      const connection = { url: redis!.url };
      const settings = { backend: 'redis', queueName: 'session', connection } as const;
      deployment = bullmqJobs(settings, store, EVERY_MS);
      return deployment.startWorker();
    }

    afterEach(async () => {
      await deployment.close();
      logs.length = 0;
      await admin.config('SET', 'maxmemory', '0');
      await admin.config('SET', 'maxmemory-policy', 'noeviction');
      await admin.flushall();
    });
    afterAll(() => admin.disconnect());

    /** What becomes of a session whose job was lost, and of a row that is due. */
    async function workOf(events: SessionEvents): Promise<readonly string[]> {
      await store.insert(newSession({ id: 'due', userId: null }));
      clock.advance(days(2));
      await store.insert(newSession());
      await store.raiseEpoch('ann', 'revoked');
      const revoked = nextEvent(events, 'session:revoked');
      await nextEvent(events, 'purge:completed', ({ deleted }) => deleted > 0);
      const { userId, reason } = await revoked;
      return [
        `${userId} ${reason}`,
        `due ${(await store.find('due')) === undefined ? 'gone' : 'there'}`,
      ];
    }

    it('purges and sweeps by itself after FLUSHALL', async () => {
      const events = await start();
      await nextEvent(events, 'purge:completed');
      await admin.flushall();
      expect(await workOf(events)).toEqual(DONE);
    });

    it('goes on after FLUSHALL in the middle of a purge', async () => {
      const events = await start();
      await nextEvent(events, 'purge:completed');
      const turnstile = new Turnstile();
      const purgeBatch = store.purgeBatch.bind(store);
      store.purgeBatch = async (request) => {
        store.purgeBatch = purgeBatch;
        await turnstile.pass();
        return purgeBatch(request);
      };
      await turnstile.entered;
      await admin.flushall();
      turnstile.open();
      expect(await workOf(events)).toEqual(DONE);
    });

    it('goes on while Redis evicts whatever it finds, and health says so', async () => {
      const events = await start();
      await nextEvent(events, 'purge:completed');
      const used = /^used_memory:(\d+)/m.exec(await admin.info('memory'))?.[1];
      // Room for so few keys that it soon evicts those of the queue.
      await admin.config('SET', 'maxmemory', `${Number(used) + 2_000_000}`);
      await admin.config('SET', 'maxmemory-policy', 'allkeys-random');
      const schedule = `bull:session:repeat:${PURGE_SCHEDULER}`;
      let fillers = 0;
      await until(async () => {
        await admin.set(`filler-${(fillers += 1)}`, 'x'.repeat(100_000));
        return (await admin.exists(schedule)) === 0;
      });
      expect(await workOf(events)).toEqual(DONE);
      const health = new SessionHealthIndicator(store, deployment.jobs, new LocalChannel(), LIMITS);
      expect((await health.check('session')).session.warnings).toContain('redis-evicts');
    });

    it('goes on when a Redis that was full has room again', async () => {
      const events = await start();
      await nextEvent(events, 'purge:completed');
      await admin.config('SET', 'maxmemory', '1');
      await until(() => logs.some((line) => line.includes('OOM')));
      await admin.config('SET', 'maxmemory', '0');
      expect(await workOf(events)).toEqual(DONE);
    });
  });
}
