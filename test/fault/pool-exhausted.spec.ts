import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { describeEachDatabase } from '../support/databases.js';
import { startHttpApp, type HttpApp } from '../support/http-app.js';
import { Rendezvous } from '../support/rendezvous.js';
import { Turnstile } from '../support/turnstile.js';

const REQUESTS = 50;
const HERD = 500;

await describeEachDatabase(
  'a pool of two connections',
  (database) => {
    let app: HttpApp;

    beforeAll(async () => {
      const small = { ...database, options: () => database.options({ poolSize: 2 }) };
      app = await startHttpApp('fastify', small);
    });

    afterAll(() => app?.close());

    it('is enough for 50 requests at once', async () => {
      app.on('write', ({ session, body }) => session.set(String(body['key']), true));
      const browsers = [await app.signedIn('ada'), await app.signedIn('bob')] as const;
      const answers = await Promise.all(
        Array.from({ length: REQUESTS }, (_, key) => {
          const browser = browsers[key % 2 === 0 ? 0 : 1];
          return key < REQUESTS / 2 ? browser.post('/guarded/write', { key }) : browser.get('/me');
        }),
      );
      expect([...new Set(answers.map(({ status }) => status))]).toEqual([200]);
      app.on('keys', ({ session }) => Object.keys(session.data).length);
      const counts = await Promise.all(browsers.map((browser) => browser.get('/guarded/keys')));
      expect(counts.map(({ body }) => Number(body))).toEqual([13, 12]);
    });

    it('that the application holds is an outage, which ends with it', async () => {
      const browser = await app.signedIn('ada');
      const holds = [new Turnstile(), new Turnstile()];
      const held = holds.map((hold) => app.dataSource.transaction(() => hold.pass()));
      await Promise.all(holds.map(({ entered }) => entered));
      const answers = await Promise.all([
        browser.get('/me'),
        browser.post('/logout'),
        app.browser().post('/login', { userId: 'bob' }),
      ]);
      for (const { status, headers } of answers) {
        expect([status, headers.get('retry-after'), headers.getSetCookie()]).toEqual([
          503,
          '1',
          [],
        ]);
      }
      expect((await browser.get('/untouched')).status).toBe(200);
      for (const hold of holds) hold.open();
      await Promise.all(held);
      expect((await browser.get('/me')).status).toBe(200);
    });

    it('is no trap for transactions of the application that ask for sessions besides', async () => {
      const browser = await app.signedIn('ada');
      const both = new Rendezvous(2);
      app.on('list', async () => {
        await app.dataSource.transaction(async () => {
          await both.arrive();
          await app.sessions.list('ada');
        });
      });
      const answers = await Promise.all([
        browser.post('/guarded/list'),
        browser.post('/guarded/list'),
      ]);
      expect(answers.map(({ status }) => status)).toEqual([503, 503]);
      expect((await browser.get('/me')).status).toBe(200);
    });

    it('is asked for a session once by 500 requests that come together', async () => {
      const browser = await app.signedIn('ada');
      const all = new Rendezvous(HERD);
      app.on('look', async ({ session }) => {
        await all.arrive();
        await session.load();
        return { userId: session.userId };
      });
      const get = () => browser.get('/lazy/look');
      const statements = await app.statements.during(async () => {
        const answers = await Promise.all(Array.from({ length: HERD }, get));
        const told = answers.map(({ status, body }) => JSON.stringify([status, body]));
        expect([...new Set(told)]).toEqual([JSON.stringify([200, { userId: 'ada' }])]);
      });
      const lookups = statements.filter((text) => /^select.*token_hash/i.test(text));
      expect(lookups.length).toBeGreaterThanOrEqual(1);
      expect(lookups.length).toBeLessThanOrEqual(2);
    });
  },
  ['postgres', 'mariadb'],
);
