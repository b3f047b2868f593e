import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SessionEvents } from 'nestjs-curfew';

import { readSettings } from '../../src/config.js';
import { WorkerModule } from '../../src/worker.module.js';
import { Browser } from '../support/browser.js';
import { databaseUrlOf } from '../support/database-url.js';
import { describeEachDatabase } from '../support/databases.js';
import { nextEvent } from '../support/next-event.js';
import { PrivateRedis } from '../support/redis.js';
import {
  referenceEnvironment,
  startReferenceApp,
  type ReferenceApp,
} from '../support/reference-app.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const redis = await PrivateRedis.start();

const PASSWORD = 'correct horse battery';

// `PrivateRedis` says so where there is none.
if (redis !== undefined)
  await describeEachDatabase(
    'the reference app without its Redis',
    (database) => {
      let proxy: TcpProxy;
      let app: ReferenceApp;
      let worker: INestApplicationContext;

      beforeAll(async () => {
        proxy = await TcpProxy.start(redis.url);
        const url = databaseUrlOf(database.options());
        const environment = {
          REDIS_URL: proxy.through(redis.url),
          SESSION_JOBS: 'bullmq',
          SESSION_PURGE_EVERY_MS: '1000',
        };
        app = await startReferenceApp(url, environment);
        const settings = readSettings(referenceEnvironment(url, environment));
        worker = await NestFactory.createApplicationContext(WorkerModule.register(settings), {
          logger: false,
        });
        await nextEvent(worker.get(SessionEvents), 'purge:completed');
      });

      afterAll(async () => {
        await worker?.close();
        await app?.close();
        await proxy?.close();
      });

      async function signedIn(email: string): Promise<Browser> {
        const browser = new Browser(app.origin);
        expect((await browser.post('/auth/login', { email, password: PASSWORD })).status).toBe(200);
        return browser;
      }

      async function sessionIdOf(browser: Browser): Promise<string> {
        const { body } = await browser.get('/me');
        return (body as { session: { id: string } }).session.id;
      }

      const FAULTS: [string, () => unknown, () => unknown][] = [
        ['refuses connections', () => proxy.refuse(), () => proxy.heal()],
        ['is stopped by a signal', () => redis.freeze(), () => redis.thaw()],
        ['is cut off by the network', () => proxy.freeze(), () => proxy.heal()],
        ['hears and is not heard', () => proxy.freeze('to-client'), () => proxy.heal()],
      ];

      describe.each(FAULTS)('which %s', (_, fail, heal) => {
        it('signs in, signs out and changes passwords, and what was lost is done afterwards', async () => {
          const email = `${randomUUID()}@example.org`;
          await new Browser(app.origin).post('/auth/register', { email, password: PASSWORD });
          const [browser, other] = [await signedIn(email), await signedIn(email)];
          const otherId = await sessionIdOf(other);
          const announced = nextEvent(
            worker.get(SessionEvents),
            'session:revoked',
            ({ sessionId }) => sessionId === otherId,
          );

          // Redis is not back before all of them are answered: whatever waited for it would never be.
          await fail();
          try {
            const change = { current: PASSWORD, next: 'another battery staple' };
            expect((await browser.post('/auth/password', change)).status).toBe(204);
            expect((await other.get('/me')).status).toBe(401);
            expect((await browser.get('/me')).status).toBe(200);
            const login = { email, password: change.next };
            const late = new Browser(app.origin);
            expect((await late.post('/auth/login', login)).status).toBe(200);
            expect((await late.post('/auth/logout')).status).toBe(204);
          } finally {
            await heal();
          }

          expect(await announced).toMatchObject({ reason: 'password-changed' });
        });
      });
    },
    ['postgres'],
  );
