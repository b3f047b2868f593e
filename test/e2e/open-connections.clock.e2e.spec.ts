import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { days, minutes } from 'nestjs-curfew';

import type { Browser } from '../support/browser.js';
import { CONNECTION_KINDS, type Listener } from '../support/connection-kinds.js';
import { describeEachDatabase } from '../support/databases.js';
import { cookieOf } from '../support/gateway-app.js';
import { COOKIE, startHttpApp, type HttpApp } from '../support/http-app.js';
import { skewedDate } from '../support/skewed-date.js';
import { until } from '../support/until.js';

const ROTATION_MS = minutes(10);
const GRACE_MS = 100;

const machine = skewedDate();

await describeEachDatabase(
  "a connection that is open while the machine's clock is set",
  (database) => {
    describe.each(Object.entries(CONNECTION_KINDS))('by %s', (_kind, kind) => {
      const listeners: Listener[] = [];
      let app: HttpApp;
      /** A process that the first one does not hear: there is no channel between them. */
      let other: HttpApp;

      beforeAll(async () => {
        const options = { rotationIntervalMs: ROTATION_MS, rotationGraceMs: GRACE_MS };
        app = await startHttpApp(kind.adapter, database, { ...kind.setup, clock: null, options });
        other = await startHttpApp('express', database, { clock: null, options });
      });
      afterAll(async () => {
        await app?.close();
        await other?.close();
      });
      beforeEach(() => machine.setSkew(0));
      afterEach(() => {
        for (const listener of listeners.splice(0)) listener.close();
      });

      async function listen(browser: Browser): Promise<Listener> {
        const known = app.connections.liveCount;
        const listener = await kind.open(app.origin, { cookie: cookieOf(browser) });
        listeners.push(listener);
        await until(() => app.connections.liveCount > known);
        return listener;
      }

      /** Makes a rotation due, has it done, and lets its grace be over. */
      async function rotatePeriodically(browser: Browser): Promise<void> {
        await app.dataSource.query(`update sessions set created_at = created_at - ${ROTATION_MS}`);
        const elsewhere = other.browser();
        const before = browser.cookies.get(COOKIE) ?? '';
        elsewhere.cookies.set(COOKIE, before);
        await elsewhere.get('/me');
        const after = elsewhere.cookies.get(COOKIE) ?? '';
        expect(after).not.toBe(before);
        browser.cookies.set(COOKIE, after);
        const rotatedAt = await app.store.now();
        await until(async () => (await app.store.now()) > rotatedAt + GRACE_MS);
      }

      it.each([
        ['back', -days(1)],
        ['forward', days(1)],
      ])('follows a rotation after it was set %s, and is no thief', async (_way, skewMs) => {
        const [ada, bob] = [await app.signedIn('ada'), await app.signedIn('bob')];
        const [mine, witness] = [await listen(ada), await listen(bob)];
        let isClosed = false;
        void mine.closed.then(() => (isClosed = true));
        machine.setSkew(skewMs);
        await rotatePeriodically(ada);
        app.channel.publish({ kind: 'principal', userId: 'ada' });
        await app.sessions.revokeAllForUser('bob', { reason: 'left' });
        await witness.closed;

        expect(isClosed).toBe(false);
        expect(app.connections.liveCount).toBe(1);
        expect((await ada.get('/me')).status).toBe(200);
      });
    });
  },
  ['sqlite'],
);
