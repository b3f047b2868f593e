import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { databaseUrlOf } from '../support/database-url.js';
import { describeEachDatabase } from '../support/databases.js';
import type { Browser } from '../support/browser.js';
import { startHttpApp, type HttpApp } from '../support/http-app.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Requests at once, and how often. */
const WAVE = 100;
const WAVES = 10;

const TIMEOUT_MS = 300;
const MAX_GROWTH_BYTES = 10_000_000;

await describeEachDatabase(
  'an outage of a thousand requests',
  (database) => {
    let proxy: TcpProxy;
    let app: HttpApp;
    let browser: Browser;

    beforeAll(async () => {
      const url = databaseUrlOf(database.options());
      proxy = await TcpProxy.start(url);
      const through = { ...database, options: () => database.options({ url: proxy.through(url) }) };
      app = await startHttpApp('fastify', through, { options: { storeTimeoutMs: TIMEOUT_MS } });
      browser = app.browser();
      await until(async () => (await browser.post('/login', { userId: 'ada' })).status === 201);
    });

    afterAll(async () => {
      await app?.close();
      await proxy?.close();
    });

    /** How many wait for a connection, as the two drivers keep them. */
    const waiting = (): number => {
      const { master, pool } = app.dataSource.driver as { master?: object; pool?: object };
      const queue: unknown =
        master === undefined
          ? Reflect.get(pool ?? {}, '_connectionQueue')
          : Reflect.get(master, '_pendingQueue');
      return (queue as { length: number }).length;
    };

    async function fail(waves: number): Promise<void> {
      proxy.freeze();
      for (let wave = 0; wave < waves; wave += 1) {
        const answers = await Promise.all(
          Array.from({ length: WAVE }, (_, index) =>
            index % 2 === 0
              ? browser.get('/me')
              : app.browser().post('/login', { userId: `user-${index}` }),
          ),
        );
        expect(answers.filter(({ status }) => status !== 503)).toEqual([]);
        app.statements.statements.length = app.statements.parameters.length = 0;
      }
    }

    async function recover(): Promise<void> {
      await proxy.heal();
      await until(async () => (await browser.get('/me')).status === 200);
    }

    const resources = (): number =>
      process.getActiveResourcesInfo().filter((name) => name !== 'Immediate').length;

    function heapUsed(): number {
      collectGarbage();
      return process.memoryUsage().heapUsed;
    }

    it('leaves nothing behind of requests that fail, neither while it lasts nor after it', async () => {
      await fail(2);
      const waitingOnce = waiting();
      await recover();
      const before = { resources: resources(), heap: heapUsed() };
      await fail(WAVES);
      expect(waiting()).toBeLessThanOrEqual(waitingOnce + WAVE / 4);
      await recover();
      expect(waiting()).toBe(0);
      // The connections of the browser come and go; a request leaves a timer or a socket, or it does not.
      expect(resources() - before.resources).toBeLessThan(WAVE);
      expect(heapUsed() - before.heap).toBeLessThan(MAX_GROWTH_BYTES);
    });
  },
  ['postgres', 'mariadb'],
);
