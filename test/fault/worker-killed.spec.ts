import { expect, it, jest } from '@jest/globals';

import type { SessionStore } from '../../libs/session/src/core/session-store.js';
import { compileSources } from '../support/compiled-sources.js';
import { databaseUrlOf } from '../support/database-url.js';
import { describeEachDatabase } from '../support/databases.js';
import { newSession } from '../support/new-session.js';
import { insertOverdue } from '../support/overdue-sessions.js';
import { PrivateRedis } from '../support/redis.js';
import { openStore } from '../support/session-store.js';
import { until } from '../support/until.js';
import { workerStarter } from '../support/worker-processes.js';

const KILLS = 5;
const OVERDUE = 10_000;
const LIVE = 50;

/** Sessions that nobody extends have ended, and their rows are due, before the test is over. */
const IDLE_TIMEOUT_MS = 6000;
const BUCKET_MS = 1000;

jest.setTimeout(180_000);

const startWorker = workerStarter(await compileSources('worker-killed'));
const redis = await PrivateRedis.start();

if (redis !== undefined) {
  await describeEachDatabase(
    'a worker that is killed during its purge, again and again',
    (database) => {
      it('leaves what is due to a later one, and every session that is used alone', async () => {
        const { store } = await openStore(database, { retentionMs: 0, purgeBucketMs: BUCKET_MS });
        const { dataSource } = await openStore(database);
        const environment = {
          DATABASE_URL: databaseUrlOf(database.options()),
          REDIS_URL: redis.url,
          SESSION_RETENTION_MS: '0',
          SESSION_PURGE_BUCKET_MS: `${BUCKET_MS}`,
        };
        const count = async (): Promise<number> => (await store.statistics()).sessions;
        await insertOverdue(dataSource, OVERDUE);
        const abandoned = newSession({ idleTimeoutMs: IDLE_TIMEOUT_MS });
        await store.insert(abandoned);
        const used = await useSessions(store);

        for (let kill = 0; kill < KILLS; kill += 1) {
          const worker = startWorker(environment);
          const before = await count();
          await until(async () => (await count()) < before);
          worker.kill('SIGKILL');
          await worker.exited;
          expect(await count()).toBeGreaterThan(LIVE + 1);
        }
        startWorker(environment);
        await until(async () => (await store.find(abandoned.id)) === undefined);
        await until(async () => (await store.statistics()).overdue === 0);
        await used.stop();
        expect(await count()).toBe(LIVE);
      });
    },
    ['postgres', 'mariadb'],
  );
}

/** Sessions in use: none of them may go. */
async function useSessions(store: SessionStore): Promise<{ stop(): Promise<void> }> {
  const touches = await Promise.all(
    Array.from({ length: LIVE }, async () => {
      const session = newSession({ idleTimeoutMs: IDLE_TIMEOUT_MS });
      await store.insert(session);
      return {
        id: session.id,
        ageMs: 0,
        idleTimeoutMs: IDLE_TIMEOUT_MS,
        ip: null,
        userAgent: null,
      };
    }),
  );
  let isOver = false;
  const using = (async () => {
    while (!isOver) {
      expect(await store.touch(touches)).toBe(LIVE);
      // Activity of the same millisecond is none.
      const seenBy = await store.now();
      while ((await store.now()) <= seenBy) continue;
    }
  })();
  using.catch(() => {});
  return {
    stop() {
      isOver = true;
      return using;
    },
  };
}
