import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type INestApplication, Logger } from '@nestjs/common';

import { readSettings } from '../../src/config.js';
import { migrate } from '../../src/data-source.js';
import { createWeb, listen } from '../../src/web.js';
import { Browser } from '../support/browser.js';
import { databaseUrlOf } from '../support/database-url.js';
import { describeEachDatabase } from '../support/databases.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const user = { email: 'ada@example.org', password: 'correct horse battery' };

await describeEachDatabase(
  'the reference app without its database',
  (database) => {
    describe.each(['express', 'fastify'])('with %s', (httpAdapter) => {
      let proxy: TcpProxy;
      let app: INestApplication;
      let origin: string;
      let signedIn: Browser;

      beforeAll(async () => {
        const url = databaseUrlOf(database.options());
        await migrate(url);
        proxy = await TcpProxy.start(url);
        const settings = readSettings({
          DATABASE_URL: proxy.through(url),
          HOST: '127.0.0.1',
          HTTP_ADAPTER: httpAdapter,
          PORT: '0',
          SESSION_COOKIE_SECURE: 'false',
          SESSION_JOBS: 'none',
          SESSION_SECRET: 'a secret of at least thirty-two bytes',
        });
        app = await createWeb(settings);
        Logger.overrideLogger(false);
        origin = await listen(app, settings);
        signedIn = new Browser(origin);
        await signedIn.post('/auth/register', user);
        await signedIn.post('/auth/login', user);
      });

      afterEach(() => proxy.heal());

      afterAll(async () => {
        await app?.close();
        await proxy?.close();
      });

      async function expectOutage(): Promise<void> {
        const cookies = signedIn.cookies.size;
        const answers = await Promise.all([
          signedIn.get('/me'),
          signedIn.get('/sessions'),
          signedIn.put('/cart/tea', { quantity: 1 }),
          new Browser(origin).post('/auth/login', user),
          new Browser(origin).post('/auth/register', { ...user, email: 'new@example.org' }),
          new Browser(origin).put('/cart/tea', { quantity: 1 }),
        ]);
        expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503, 503]);
        for (const { headers } of answers) {
          expect(headers.get('retry-after')).toBe('1');
          expect(headers.has('set-cookie')).toBe(false);
        }
        expect(JSON.stringify(answers.map(({ body }) => body))).not.toMatch(
          /select|insert|127\.0/i,
        );
        expect(signedIn.cookies.size).toBe(cookies);
        expect((await signedIn.get('/health')).status).toBe(503);
        expect((await signedIn.get('/')).status).toBe(200);
      }

      it('answers 503 while the database refuses, and goes on after it', async () => {
        proxy.cut();
        await expectOutage();
        await proxy.heal();
        expect((await signedIn.get('/me')).status).toBe(200);
      });

      it('answers 503 while the database hangs, and goes on after it', async () => {
        proxy.freeze();
        await expectOutage();
        await proxy.heal();
        expect((await signedIn.get('/me')).status).toBe(200);
      });
    });
  },
  ['postgres', 'mariadb'],
);
