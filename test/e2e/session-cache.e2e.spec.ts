import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { describeEachDatabase } from '../support/databases.js';
import { startHttpApp, type HttpApp } from '../support/http-app.js';
import { PrivateRedis } from '../support/redis.js';
import { until } from '../support/until.js';

const redis = await PrivateRedis.start();

/** Two processes of one deployment, each with a cache: what `here` is told, `there` hears. */
interface Bench {
  readonly here: HttpApp;
  readonly there: HttpApp;
}

const lookups = (statements: readonly string[]): readonly string[] =>
  statements.filter((text) => text.includes('session_principals'));

function holdsLease(app: HttpApp): boolean {
  return app.channel.leaseExpiresAt > performance.now();
}

await describeEachDatabase(
  'two processes with caches',
  (database) => {
    describe.each(['express', 'fastify'] as const)('on %s', (adapter) => {
      let bench: Bench;

      beforeAll(async () => {
        const options = {
          cache: { maxEntries: 100, ttlMs: 3000 },
          channel: { driver: 'redis', connection: { url: redis?.url ?? '' } },
        } as const;
        const here = await startHttpApp(adapter, database, { options });
        const there = await startHttpApp(adapter, database, { options });
        for (const app of [here, there]) app.on('read', ({ session }) => session.data);
        bench = { here, there };
      });

      afterAll(async () => {
        await bench.here.close();
        await bench.there.close();
      });

      /** A browser that is signed in here, and another that sends the same cookie there, where it is known. */
      async function known(userId: string) {
        const { here, there } = bench;
        await until(() => holdsLease(here) && holdsLease(there));
        const browser = await here.signedIn(userId);
        const elsewhere = there.browser();
        for (const [name, value] of browser.cookies) elsewhere.cookies.set(name, value);
        await elsewhere.get('/me');
        return { browser, elsewhere };
      }

      it('answer from memory what was looked up a moment ago', async () => {
        const { elsewhere } = await known('ada');
        const sent = await bench.there.statements.during(async () => {
          expect((await elsewhere.get('/me')).body).toEqual({ userId: 'ada' });
        });
        expect(sent).toEqual([]);
      });

      it('refuse in one what was ended in the other', async () => {
        const { browser, elsewhere } = await known('ada');
        await browser.post('/logout');
        let answer = await elsewhere.get('/me');
        await until(async () => {
          if (answer.status !== 401) answer = await elsewhere.get('/me');
          return answer.status === 401;
        });
        expect(answer.body).toMatchObject({ reason: 'revoked', revokeReason: 'signed-out' });
      });

      it('refuse in both what was ended for the user, or for everyone', async () => {
        const { here } = bench;
        const { elsewhere } = await known('bob');
        await here.sessions.revokeAllForUser('bob');
        await until(async () => (await elsewhere.get('/me')).status === 401);
        const other = await known('bob');
        await here.sessions.revokeEveryone();
        expect((await other.browser.get('/me')).status).toBe(401);
        await until(async () => (await other.elsewhere.get('/me')).status === 401);
      });

      it('see at once what they wrote themselves, and soon what the other wrote', async () => {
        const { here } = bench;
        const { browser, elsewhere } = await known('ada');
        here.on('write', ({ session }) => session.set('count', 1));
        await browser.post('/guarded/write');
        expect((await browser.get('/guarded/read')).body).toEqual({ count: 1 });
        await until(async () => {
          const { body } = await elsewhere.get('/guarded/read');
          return (body as { count?: number }).count === 1;
        });
      });

      it('ask the database for routes that demand proof', async () => {
        const { elsewhere } = await known('ada');
        const sent = await bench.there.statements.during(async () => {
          expect((await elsewhere.get('/recent')).status).toBe(200);
        });
        expect(lookups(sent)).toHaveLength(1);
      });

      it('let no session that was ended behind their backs write, end others or prove anything', async () => {
        const { there } = bench;
        there.on('write', ({ session }) => session.set('count', 1));
        there.on('prove', ({ session }) => session.stepUp({ aal: 2 }));
        there.on('end', ({ session }) => session.revokeOthers());
        for (const deed of ['/guarded/write', '/guarded/prove', '/guarded/end', '/recent']) {
          const { elsewhere } = await known('eve');
          const other = await there.signedIn('eve');
          // Nobody tells: what the process remembers is wrong for as long as its time to live.
          const rows = there.dataSource.createQueryBuilder().update('sessions');
          await rows
            .set({ revokedAt: there.clock.now(), revokeReason: 'elsewhere' })
            .where({ userId: 'eve' })
            .execute();
          expect((await elsewhere.get('/me')).status).toBe(200);
          const method = deed === '/recent' ? 'GET' : 'POST';
          expect(await elsewhere.request(method, deed)).toMatchObject({ status: 401 });
          expect((await elsewhere.get('/me')).status).toBe(401);
          other.cookies.clear();
        }
      });

      it('ask the database for as long as they do not hear each other', async () => {
        const { there } = bench;
        const { elsewhere } = await known('ada');
        await redis?.freeze();
        try {
          await until(() => !holdsLease(there));
          const sent = await there.statements.during(() => elsewhere.get('/me'));
          expect(lookups(sent)).toHaveLength(1);
        } finally {
          redis?.thaw();
        }
        await until(() => holdsLease(there));
        const first = await there.statements.during(() => elsewhere.get('/me'));
        expect(lookups(first)).toHaveLength(1);
        const second = await there.statements.during(() => elsewhere.get('/me'));
        expect(second).toEqual([]);
      });
    });
  },
  redis === undefined ? [] : ['postgres', 'sqlite'],
);
