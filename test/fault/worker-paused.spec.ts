import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterAll, expect, it, jest } from '@jest/globals';
import { Queue } from 'bullmq';

import { compileSources } from '../support/compiled-sources.js';
import { databaseUrlOf } from '../support/database-url.js';
import { describeEachDatabase } from '../support/databases.js';
import type { ObservedProcess } from '../support/observed-process.js';
import { insertOverdue } from '../support/overdue-sessions.js';
import { PrivateRedis } from '../support/redis.js';
import { openStore } from '../support/session-store.js';
import { until } from '../support/until.js';
import { deletedIn, workerStarter } from '../support/worker-processes.js';

/**
 * How long a worker may hold a job without a sign of life, and the time between two looks for such jobs. BullMQ's own are
 * 30 seconds each: a worker has to be away for a minute before its jobs are taken from it. The workers of this test are
 * away until that has happened, whatever these are, so that it stands for the longer absence;
 * `SESSION_TEST_LOCK_MS=30000` is the real one.
 */
const LOCK_MS = Number(process.env['SESSION_TEST_LOCK_MS'] ?? 2000);

const OVERDUE = 3000;

/** For a worker that is back, and alone. */
const ANEW = 10;

jest.setTimeout(4 * LOCK_MS + 60_000);

const app = await compileSources('worker-paused');
const startWorker = workerStarter(app);
const redis = await PrivateRedis.start();
const directory = mkdtempSync(join(tmpdir(), 'curfew-test-paused-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** While the file is there, a worker that gets the signal SIGUSR2 does nothing but look for it. */
const block = join(directory, 'block');
const prelude = join(directory, 'prelude.mjs');
writeFileSync(
  prelude,
  `import { existsSync } from 'node:fs';
  import { WORKER_OPTIONS } from '${pathToFileURL(join(app, 'libs/session/src/jobs/queue-defaults.js')).href}';
  Object.assign(WORKER_OPTIONS, { lockDuration: ${LOCK_MS}, stalledInterval: ${LOCK_MS} });
  const cell = new Int32Array(new SharedArrayBuffer(4));
  process.on('SIGUSR2', () => {
    while (existsSync(${JSON.stringify(block)})) Atomics.wait(cell, 0, 0, 20);
  });`,
);

if (redis !== undefined) {
  await describeEachDatabase(
    'workers that are away in the middle of a purge, one stopped and one with its event loop blocked',
    (database) => {
      it('lose their jobs to another, do nothing twice, and work again when they are back', async () => {
        const { store, dataSource } = await openStore(database);
        await insertOverdue(dataSource, OVERDUE);
        const count = async (): Promise<number> => (await store.statistics()).sessions;
        const untilPurging = async (): Promise<void> => {
          const before = await count();
          await until(async () => (await count()) < before);
        };
        const start = (): ObservedProcess =>
          startWorker(
            { DATABASE_URL: databaseUrlOf(database.options()), REDIS_URL: redis.url },
            '--import',
            prelude,
          );
        const queue = new Queue('session', { connection: { url: redis.url } });

        const stopped = start();
        await untilPurging();
        stopped.kill('SIGSTOP');
        const blocked = start();
        await untilPurging();
        writeFileSync(block, '');
        blocked.kill('SIGUSR2');
        const lost = await queue.getActive();
        expect(lost.length).toBeGreaterThanOrEqual(2);

        const other = start();
        await until(async () => {
          const states = await Promise.all(lost.map((job) => job.getState()));
          return states.every((state) => state === 'completed' || state === 'unknown');
        });
        stopped.kill('SIGCONT');
        rmSync(block);
        await until(async () => (await count()) === 0);

        other.kill('SIGTERM');
        await other.exited;
        for (const left of [blocked, stopped]) {
          await insertOverdue(dataSource, ANEW);
          await until(async () => (await count()) === 0);
          left.kill('SIGTERM');
          expect(await left.exited).toBe(0);
        }
        for (const { output } of [stopped, blocked]) expect(output).toContain('job lost');
        const deleted = [stopped, blocked, other].map(deletedIn).reduce((sum, each) => sum + each);
        expect(deleted).toBeLessThanOrEqual(OVERDUE + 2 * ANEW);
        expect(await queue.getFailedCount()).toBe(0);
        await queue.close();
      });
    },
    ['postgres'],
  );
}
