import { describe, expect, it } from '@jest/globals';
import { minutes, seconds } from 'nestjs-curfew';

import type { Browser } from '../support/browser.js';
import { describeHttp } from '../support/describe-http.js';
import { COOKIE, type HttpApp } from '../support/http-app.js';
import { Turnstile } from '../support/turnstile.js';

const tokenOf = (browser: Browser): string => browser.cookies.get(COOKIE) ?? 'none';

/** A second tab of the browser: the same cookie now, its own answers. */
function tabOf(app: HttpApp, browser: Browser): Browser {
  const tab = app.browser();
  tab.cookies.set(COOKIE, tokenOf(browser));
  return tab;
}

await describeHttp(
  'requests side by side',
  (bench) => {
    it('of different users never see each other', async () => {
      const { app } = bench;
      app.on('slow', async ({ session }) => {
        const before = session.userId;
        await new Promise(setImmediate);
        session.set('by', before);
        await new Promise(setImmediate);
        return { before, after: session.userId, by: session.get('by') };
      });
      const users = Array.from({ length: 20 }, (_, index) => `parallel-${index}`);
      const browsers = await Promise.all(users.map((userId) => app.signedIn(userId)));
      const rounds = Array.from({ length: 5 }, () =>
        browsers.map(async (browser, index) => {
          const userId = users[index];
          const { body } = await browser.post('/guarded/slow');
          expect(body).toEqual({ before: userId, after: userId, by: userId });
        }),
      );
      await Promise.all(rounds.flat());
    });

    it('that write different keys all keep their writes', async () => {
      const { app } = bench;
      app.on('write', ({ session, body }) => session.set(String(body['key']), body['key']));
      app.on('read', ({ session }) => Object.keys(session.data).toSorted());
      const browser = await app.signedIn('ada');
      const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`).toSorted();
      const answers = await Promise.all(keys.map((key) => browser.post('/guarded/write', { key })));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect((await browser.get('/guarded/read')).body).toEqual(keys);
    });

    it('that update one key all count', async () => {
      const { app } = bench;
      app.on('count', ({ session }) => session.update('count', (count) => Number(count ?? 0) + 1));
      app.on('counted', ({ session }) => ({ count: session.get('count') }));
      const browser = await app.signedIn('ada');
      await Promise.all(Array.from({ length: 5 }, () => browser.post('/guarded/count')));
      expect((await browser.get('/guarded/counted')).body).toEqual({ count: 5 });
    });

    it('do not bring back a session that was signed out meanwhile', async () => {
      const { app } = bench;
      const turnstile = new Turnstile();
      app.on('write-late', async ({ session }) => {
        session.set('a', 1);
        session.rotate();
        await turnstile.pass();
      });
      const userId = `signed-out-${bench.adapter}`;
      const browser = await app.signedIn(userId);
      const tab = tabOf(app, browser);
      const late = tab.post('/guarded/write-late');
      await turnstile.entered;
      await browser.post('/logout');
      turnstile.open();
      const answer = await late;
      expect([answer.status, answer.body]).toMatchObject([401, { code: 'SESSION_ENDED' }]);
      expect(tab.cookies.size).toBe(0);
      expect((await app.sessions.list(userId)).sessions).toEqual([]);
    });

    describe('where the token is due for rotation', () => {
      const due = async (app: HttpApp): Promise<Browser> => {
        const browser = await app.signedIn('ada');
        app.clock.advance(minutes(10));
        return browser;
      };

      it('all end up with the same new token, and nobody is refused', async () => {
        const { app } = bench;
        const browser = await due(app);
        const old = tokenOf(browser);
        const tabs = Array.from({ length: 10 }, () => tabOf(app, browser));
        const answers = await Promise.all(tabs.map((tab) => tab.get('/me')));
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
        expect(new Set(tabs.map(tokenOf)).size).toBe(1);
        expect(tabs.map(tokenOf)).not.toContain(old);
      });

      it('send the new token again to one that missed it, within the grace', async () => {
        const { app } = bench;
        const browser = await due(app);
        const tab = tabOf(app, browser);
        await browser.get('/me');
        app.clock.advance(seconds(29));
        await tab.get('/me');
        expect(tokenOf(tab)).toBe(tokenOf(browser));
      });

      it('end the session where the old token comes after the grace', async () => {
        const { app } = bench;
        const browser = await due(app);
        const thief = tabOf(app, browser);
        await browser.get('/me');
        app.clock.advance(seconds(30));
        expect((await thief.get('/me')).body).toMatchObject({ revokeReason: 'token-reused' });
        expect((await browser.get('/me')).status).toBe(401);
      });

      it('do not put the token back that a sign-in replaced meanwhile', async () => {
        const { app } = bench;
        const turnstile = new Turnstile();
        app.on('read-slowly', () => turnstile.pass());
        const browser = await due(app);
        const tab = tabOf(app, browser);
        await browser.get('/me');
        const late = tab.get('/guarded/read-slowly');
        await turnstile.entered;
        await browser.post('/login', { userId: 'ada' });
        turnstile.open();
        const answer = await late;
        expect([answer.status, answer.headers.getSetCookie()]).toEqual([200, []]);
      });

      it.each([
        ['HEAD', '/me', {}],
        ['GET', '/poll', {}],
        ['GET', '/me', { 'sec-purpose': 'prefetch' }],
      ])('do not rotate at %s %s %j', async (method, path, headers) => {
        const { app } = bench;
        const browser = await due(app);
        const answer = await browser.send(method, path, undefined, headers);
        expect([answer.status, answer.headers.getSetCookie()]).toEqual([200, []]);
      });

      it('do not rotate where the handler fails', async () => {
        const { app } = bench;
        app.on('fail', () => {
          throw new Error('no');
        });
        const browser = await due(app);
        expect((await browser.get('/guarded/fail')).headers.getSetCookie()).toEqual([]);
      });
    });
  },
  { options: { rotationIntervalMs: minutes(10), rotationGraceMs: seconds(30) } },
);
