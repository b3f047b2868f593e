import { randomUUID } from 'node:crypto';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { TypeOrmModule } from '@nestjs/typeorm';
import { minutes, seconds, type SessionChannelOptions } from 'nestjs-curfew';

import { Account } from '../support/account.entity.js';
import type { Browser } from '../support/browser.js';
import { CONNECTION_KINDS, type Listener } from '../support/connection-kinds.js';
import { describeEachDatabase, type TestDatabase } from '../support/databases.js';
import { cookieOf } from '../support/gateway-app.js';
import { startHttpApp, type HttpApp } from '../support/http-app.js';
import { findRedis, PrivateRedis } from '../support/redis.js';
import { channelName } from '../support/session-channels.js';
import { failStore } from '../support/store-outage.js';
import { until } from '../support/until.js';

/** The promise: closed in every process within this time, from when the revocation was acknowledged. */
const PROMISED_MS = 1000;

const redis = await findRedis();
const privateRedis = await PrivateRedis.start();

const holdsLease = ({ channel }: HttpApp): boolean => channel.leaseExpiresAt > performance.now();

type ChannelOf = (database: TestDatabase) => SessionChannelOptions;

const channels: [string, ChannelOf][] = [
  [
    'LISTEN and NOTIFY',
    (database) => ({
      driver: 'postgres',
      connection: { url: (database.options() as { url: string }).url },
    }),
  ],
];
if (redis !== undefined) {
  const prefix = channelName();
  channels.push(['Redis', () => ({ driver: 'redis', connection: { url: redis.url }, prefix })]);
}

await describeEachDatabase(
  'a connection that is open in one process',
  (database) => {
    const listeners: Listener[] = [];
    afterEach(() => {
      for (const listener of listeners.splice(0)) listener.close();
    });

    describe.each(channels)('over %s', (_channel, channelOf) => {
      describe.each(Object.entries(CONNECTION_KINDS))('by %s', (_kind, kind) => {
        let here: HttpApp;
        let there: HttpApp;
        let ada: Browser;
        /** Another one in each test: the processes of all tests share a database. */
        let userId: string;

        beforeAll(async () => {
          const start = (): Promise<HttpApp> =>
            startHttpApp(kind.adapter, database, {
              ...kind.setup,
              options: { channel: channelOf(database) },
            });
          [here, there] = [await start(), await start()];
          await until(() => holdsLease(here) && holdsLease(there));
        });

        afterAll(async () => {
          await here?.close();
          await there?.close();
        });

        beforeEach(async () => {
          userId = `ada-${randomUUID()}`;
          ada = await here.signedIn(userId);
        });

        async function listen(browser = ada): Promise<Listener> {
          const known = there.connections.liveCount;
          const listener = await kind.open(there.origin, { cookie: cookieOf(browser) });
          listeners.push(listener);
          await until(() => there.connections.liveCount > known);
          return listener;
        }

        async function sessionId(): Promise<string> {
          const { sessions } = await here.sessions.list(userId);
          return sessions[0]?.id ?? '';
        }

        it('is closed when its session is revoked in another, though it never said a word', async () => {
          const listener = await listen();
          await here.sessions.revoke(await sessionId(), { reason: 'stolen' });
          const revokedAt = performance.now();
          expect(await listener.closed).toEqual(kind.closure('stolen'));
          expect(performance.now() - revokedAt).toBeLessThan(PROMISED_MS);
          await until(() => there.connections.size === 0);
        });

        it('is closed when the sessions of its user are ended together, and those of others are not', async () => {
          const bob = await here.signedIn('bob');
          const [mine, other] = [await listen(), await listen(bob)];
          let isOtherClosed = false;
          void other.closed.then(() => (isOtherClosed = true));
          await here.sessions.revokeAllForUser(userId, { reason: 'password-changed' });
          const revokedAt = performance.now();
          expect(await mine.closed).toEqual(kind.closure('password-changed'));
          expect(performance.now() - revokedAt).toBeLessThan(PROMISED_MS);
          expect(isOtherClosed).toBe(false);
          expect(there.connections.size).toBe(1);
        });

        it('is closed when everyone is signed out', async () => {
          const browsers = [await here.signedIn('eve'), await here.signedIn('mallory')];
          const all = [await listen(browsers[0]), await listen(browsers[1])];
          await here.sessions.revokeEveryone({ reason: 'incident' });
          const revokedAt = performance.now();
          expect(await Promise.all(all.map(({ closed }) => closed))).toEqual([
            kind.closure('incident'),
            kind.closure('incident'),
          ]);
          expect(performance.now() - revokedAt).toBeLessThan(PROMISED_MS);
        });

        it('is closed in the process itself', async () => {
          const listener = await listen();
          await there.sessions.revoke(await sessionId(), { reason: 'stolen' });
          expect(await listener.closed).toEqual(kind.closure('stolen'));
        });

        it('stays open when a notice says what is not so', async () => {
          const [live, witness] = [await listen(), await listen(await here.signedIn('bob'))];
          let isClosed = false;
          void live.closed.then(() => (isClosed = true));
          here.channel.publish({ kind: 'everyone' });
          here.channel.publish({ kind: 'principal', userId });
          here.channel.publish({ kind: 'session', sessionId: await sessionId() });
          await here.sessions.revokeAllForUser('bob', { reason: 'left' });
          await witness.closed;
          expect(isClosed).toBe(false);
          expect(there.connections.size).toBe(1);
        });

        it('is forgotten when the client leaves', async () => {
          const listener = await listen();
          listener.close();
          await until(() => there.connections.size === 0);
          expect((await ada.get('/me')).status).toBe(200);
        });
      });
    });

    describe('on a channel that fails', () => {
      const kind = CONNECTION_KINDS['ws'];
      if (kind === undefined || privateRedis === undefined) return;
      const apps: HttpApp[] = [];
      let userId: string;
      beforeEach(() => {
        userId = `ada-${randomUUID()}`;
      });
      afterEach(async () => {
        for (const app of apps.splice(0)) await app.close();
      });

      async function start(idleTimeoutMs = minutes(30)): Promise<HttpApp> {
        const app = await startHttpApp(kind!.adapter, database, {
          ...kind!.setup,
          imports: [TypeOrmModule.forFeature([Account])],
          options: {
            channel: { driver: 'redis', connection: { url: privateRedis!.url } },
            touchIntervalMs: 0,
            policies: { default: { idleTimeoutMs, absoluteTimeoutMs: minutes(60) } },
          },
        });
        apps.push(app);
        return app;
      }

      async function listen(app: HttpApp, browser: Browser): Promise<Listener> {
        const listener = await kind!.open(app.origin, { cookie: cookieOf(browser) });
        listeners.push(listener);
        await until(() => app.connections.liveCount > 0);
        return listener;
      }

      it('is closed by the next look while Redis hangs', async () => {
        const [here, there] = [await start(seconds(2)), await start(seconds(2))];
        const listener = await listen(there, await here.signedIn(userId));
        await privateRedis.freeze();
        try {
          await here.sessions.revokeAllForUser(userId, { reason: 'stolen' });
          expect(await listener.closed).toEqual({ code: 4401, reason: 'stolen' });
        } finally {
          privateRedis.thaw();
        }
      });

      it('is closed by the next look where SQL has ended its session and nothing tells of it', async () => {
        const app = await start(seconds(2));
        await until(() => holdsLease(app));
        const listener = await listen(app, await app.signedIn(userId));
        await app.store.raiseEpoch(userId, 'by SQL');
        expect(await listener.closed).toEqual({ code: 4401, reason: 'by SQL' });
      });

      it('is closed when the channel is back, where its notice was lost', async () => {
        const [here, there] = [await start(), await start()];
        await until(() => holdsLease(here) && holdsLease(there));
        const listener = await listen(there, await here.signedIn(userId));
        await privateRedis.stop();
        await until(() => !holdsLease(there));
        await here.store.raiseEpoch(userId, 'unheard');
        await privateRedis.start();
        expect(await listener.closed).toEqual({ code: 4401, reason: 'unheard' });
      });

      it('is closed when its session expires', async () => {
        const app = await start(seconds(2));
        const listener = await listen(app, await app.signedIn(userId));
        app.clock.advance(seconds(2));
        expect(await listener.closed).toEqual({ code: 4401, reason: 'idle-expired' });
      });

      it('stays open while the store is down, and is closed when that says so', async () => {
        const [here, there] = [await start(), await start()];
        await until(() => holdsLease(here) && holdsLease(there));
        const listener = await listen(there, await here.signedIn(userId));
        let isClosed = false;
        void listener.closed.then(() => (isClosed = true));
        const restore = failStore(there.store);
        await here.sessions.revokeAllForUser(userId, { reason: 'stolen' });
        const response = await there.browser().get('/me');
        expect(response.status).toBe(401);
        expect(isClosed).toBe(false);
        restore();
        expect(await listener.closed).toEqual({ code: 4401, reason: 'stolen' });
      });
    });
  },
  ['postgres'],
);
