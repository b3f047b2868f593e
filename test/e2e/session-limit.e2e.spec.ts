import { expect, it } from '@jest/globals';

import { describeHttp } from '../support/describe-http.js';
import { COOKIE } from '../support/http-app.js';

// The applications of both adapters share a database: each signs in users of its own.
await describeHttp(
  'a limit of two sessions per user',
  (bench) => {
    it('signs the oldest browser out, and tells it why', async () => {
      const { app, adapter } = bench;
      const browsers = [];
      for (let count = 0; count < 3; count += 1) {
        browsers.push(await app.signedIn(`oldest-${adapter}`));
        app.clock.advance(1000);
      }
      const answers = await Promise.all(browsers.map((browser) => browser.get('/me')));
      expect(answers.map(({ status }) => status)).toEqual([401, 200, 200]);
      expect(answers[0]?.body).toMatchObject({
        code: 'SESSION_REQUIRED',
        revokeReason: 'limit-reached',
      });
      expect(app.scripts.revoked.at(-1)).toMatchObject({
        userId: `oldest-${adapter}`,
        reason: 'limit-reached',
      });
    });

    it('ends no other session where a browser signs in again', async () => {
      const { app, adapter } = bench;
      const first = await app.signedIn(`again-${adapter}`);
      const second = await app.signedIn(`again-${adapter}`);
      for (let count = 0; count < 3; count += 1) {
        expect((await second.post('/login', { userId: `again-${adapter}` })).status).toBe(201);
      }
      expect((await first.get('/me')).status).toBe(200);
    });
  },
  { options: { maxSessionsPerUser: 2 } },
);

await describeHttp(
  'a limit of one session per user that refuses',
  (bench) => {
    it('answers a second sign-in with 409 and leaves the visitor the session it has', async () => {
      const { app, adapter } = bench;
      const first = await app.signedIn(`ada-${adapter}`);
      app.on('fill', ({ session }) => session.set('cart', 3));
      app.on('cart', ({ session }) => ({ cart: session.get('cart'), userId: session.userId }));
      const visitor = app.browser();
      await visitor.post('/public/fill');
      const before = visitor.cookies.get(COOKIE);
      const refused = await visitor.post('/login', { userId: `ada-${adapter}` });
      expect(refused.status).toBe(409);
      expect(refused.body).toMatchObject({ code: 'SESSION_LIMIT_REACHED' });
      expect(visitor.cookies.get(COOKIE)).toEqual(before);
      expect((await visitor.get('/public/cart')).body).toEqual({ cart: 3, userId: null });
      expect((await first.get('/me')).status).toBe(200);
    });

    it('lets the user in again after signing out', async () => {
      const { app, adapter } = bench;
      const first = await app.signedIn(`bob-${adapter}`);
      await first.post('/logout');
      const second = await app.signedIn(`bob-${adapter}`);
      expect((await second.get('/me')).status).toBe(200);
    });
  },
  { options: { maxSessionsPerUser: 1, onLimit: 'refuse' } },
);
