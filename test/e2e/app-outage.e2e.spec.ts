import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';

import type { Browser } from '../support/browser.js';
import { databaseUrlOf } from '../support/database-url.js';
import { describeEachDatabase } from '../support/databases.js';
import { expectOutage } from '../support/expect-outage.js';
import { startReferenceApp, type ReferenceApp } from '../support/reference-app.js';
import { TcpProxy } from '../support/tcp-proxy.js';

await describeEachDatabase(
  'the reference app without its database',
  (database) => {
    describe.each(['express', 'fastify'])('with %s', (httpAdapter) => {
      let proxy: TcpProxy;
      let app: ReferenceApp;
      let signedIn: Browser;

      beforeAll(async () => {
        const url = databaseUrlOf(database.options());
        proxy = await TcpProxy.start(url);
        app = await startReferenceApp(proxy.through(url), { HTTP_ADAPTER: httpAdapter });
        signedIn = await app.signedIn();
      });

      afterEach(() => proxy.heal());

      afterAll(async () => {
        await app?.close();
        await proxy?.close();
      });

      it('answers 503 while the database refuses, and goes on after it', async () => {
        proxy.cut();
        await expectOutage(app, signedIn);
        await proxy.heal();
        expect((await signedIn.get('/me')).status).toBe(200);
      });

      it('answers 503 while the database hangs, and goes on after it', async () => {
        proxy.freeze();
        await expectOutage(app, signedIn);
        await proxy.heal();
        expect((await signedIn.get('/me')).status).toBe(200);
      });
    });
  },
  ['postgres', 'mariadb'],
);
