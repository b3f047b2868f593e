import { readFileSync } from 'node:fs';

import { afterAll, beforeAll, expect, it } from '@jest/globals';

import type { Browser } from '../support/browser.js';
import { describeEachDatabase } from '../support/databases.js';
import { startHttpApp, type HttpApp } from '../support/http-app.js';
import { QueueBoardController } from '../support/queue-board.js';
import { PrivateRedis } from '../support/redis.js';
import { until } from '../support/until.js';

interface Queues {
  readonly queues: readonly { readonly jobs: readonly unknown[] }[];
}

const redis = await PrivateRedis.start();

if (redis !== undefined) {
  await describeEachDatabase(
    'Bull Board on the queue',
    (database) => {
      let app: HttpApp;
      let administrator: Browser;

      beforeAll(async () => {
        Object.assign(process.env, { REDIS_URL: redis.url, ADMINISTRATOR_ID: 'ada' });
        const jobs = { driver: 'bullmq', connection: { url: redis.url } } as const;
        const controllers = [QueueBoardController];
        app = await startHttpApp('express', database, { options: { jobs }, controllers });
        administrator = await app.signedIn('ada');
      });
      afterAll(async () => {
        await app.close();
        delete process.env['REDIS_URL'];
        delete process.env['ADMINISTRATOR_ID'];
      });

      it('shows the jobs of the queue to an administrator', async () => {
        await app.sessions.revokeAllForUser('bob');
        const page = await administrator.get('/queues');
        expect(page).toMatchObject({
          status: 200,
          body: expect.stringContaining('Bull Dashboard'),
        });
        const path = '/queues/api/queues?activeQueue=session&status=waiting';
        let queues: Queues['queues'] = [];
        // Nobody waits for the job to be queued.
        await until(async () => {
          ({ queues } = (await administrator.get(path)).body as Queues);
          return queues[0]?.jobs.length !== 0;
        });
        expect(queues).toMatchObject([
          {
            name: 'session',
            readOnlyMode: true,
            jobs: [{ name: 'revoke-user', data: { version: 1, userId: 'bob' } }],
          },
        ]);
      });

      it('lets nobody change a job', async () => {
        const path = '/queues/api/queues/session/empty';
        expect((await administrator.put(path)).status).toBe(405);
        expect((await app.browser().put(path)).status).toBe(401);
      });

      it.each([
        '/queues',
        '/queues/',
        '/QUEUES',
        '/queues/api/queues',
        '/queues//api/queues',
        '/queues/static/x.js',
      ])('is closed to everybody else: %s', async (path) => {
        expect((await app.browser().get(path)).status).toBe(401);
        expect((await (await app.signedIn('bob')).get(path)).status).toBe(403);
      });

      it('is mounted as the documentation shows', () => {
        const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
        const code = read('../support/queue-board.ts');
        expect(read('../../docs/deployment.md')).toContain('```ts\n' + code + '```');
      });
    },
    ['sqlite'],
  );
}
