import { expect, it } from '@jest/globals';
import { TypeOrmModule } from '@nestjs/typeorm';
import { minutes, seconds } from 'nestjs-curfew';

import { currentSession } from '../../libs/session/src/invalidation/current-session.js';
import { Account } from '../support/account.entity.js';
import type { Browser } from '../support/browser.js';
import { describeHttp, type HttpBench } from '../support/describe-http.js';
import { COOKIE, type HttpApp } from '../support/http-app.js';
import type { Script } from '../support/scripted-routes.js';
import { ACCOUNT_PRINCIPAL } from '../support/session-store.js';
import { Turnstile } from '../support/turnstile.js';

const work: readonly [name: string, script: Script][] = [
  ['reads', () => undefined],
  ['writes data', ({ session }) => session.set('draft', 'text')],
  ['updates nothing', ({ session }) => session.update('count', (count) => count)],
  ['lets the cookie end with the browser', ({ session }) => session.expireOnBrowserClose()],
];

const tokenOf = (browser: Browser): string => browser.cookies.get(COOKIE) ?? 'none';

/** The cookies that a request sets which is sent with `token` and whose answer comes after `meanwhile`. */
async function late(
  app: HttpApp,
  script: Script,
  token: string,
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<readonly string[]> {
  const turnstile = new Turnstile();
  app.on('late', async (request) => {
    await script(request);
    await turnstile.pass();
  });
  const tab = app.browser();
  tab.cookies.set(COOKIE, token);
  const answer = tab.post('/guarded/late');
  await turnstile.entered;
  await meanwhile();
  turnstile.open();
  return (await answer).headers.getSetCookie();
}

/** A browser whose token was rotated a moment ago, and the token that it had before. */
async function rotated({ app }: HttpBench): Promise<{ browser: Browser; old: string }> {
  app.on('step-up', ({ session }) => session.stepUp({ aal: 2 }));
  const browser = await app.signedIn('ada');
  const old = tokenOf(browser);
  app.clock.advance(minutes(10));
  await browser.get('/me');
  expect(tokenOf(browser)).not.toBe(old);
  return { browser, old };
}

await describeHttp(
  'an answer that comes late',
  (bench) => {
    it.each(work)('brings the token that a parallel request rotated to: %s', async (_, script) => {
      const { browser, old } = await rotated(bench);
      const cookies = await late(bench.app, script, old);
      expect(cookies).toEqual([expect.stringContaining(tokenOf(browser))]);
    });

    it('brings that token where the handler sends the answer itself', async () => {
      const { browser, old } = await rotated(bench);
      bench.app.on('send', ({ response }) => void response.send('sent'));
      const tab = bench.app.browser();
      tab.cookies.set(COOKIE, old);
      const { headers } = await tab.get('/own/send');
      expect(headers.getSetCookie()).toEqual([expect.stringContaining(tokenOf(browser))]);
    });

    it('waits for a sign-out that began before the session was looked up', async () => {
      const { app } = bench;
      app.on('leave', async ({ session, response }) => {
        const ended = session.signOut();
        await session.load();
        response.send('gone');
        await ended;
      });
      const browser = await app.signedIn('ada');
      await browser.post('/own-lazy/leave');
      expect(tokenOf(browser)).toBe('none');
    });

    it.each(work)('puts no older token over that of a step-up: %s', async (_, script) => {
      const { browser, old } = await rotated(bench);
      const stepUp = (): Promise<unknown> => browser.post('/guarded/step-up');
      expect(await late(bench.app, script, old, stepUp)).toEqual([]);
    });

    it.each<[string, Script]>([
      ['a step-up', ({ session }) => session.stepUp({ aal: 2 })],
      ['a changed credential', () => currentSession.getStore()?.requireRotation()],
    ])(
      'brings a token of its own, whoever holds that of a parallel rotation: %s',
      async (_, script) => {
        const { app } = bench;
        app.on('rotate', ({ session }) => session.rotate());
        const { browser: thief } = await rotated(bench);
        const rotate = (): Promise<unknown> => thief.post('/guarded/rotate');
        expect(await late(app, script, tokenOf(thief), rotate)).toHaveLength(1);
        expect((await thief.get('/me')).body).toMatchObject({ reason: 'superseded' });
      },
    );

    it('puts not its own token over that of a step-up to change the age of the cookie', async () => {
      const { browser } = await rotated(bench);
      const script: Script = ({ session }) => session.expireOnBrowserClose();
      const stepUp = (): Promise<unknown> => browser.post('/guarded/step-up');
      expect(await late(bench.app, script, tokenOf(browser), stepUp)).toEqual([]);
    });

    it.each<[string, (browser: Browser) => Promise<unknown>]>([
      ['a sign-in', (browser) => browser.post('/login', { userId: 'bob' })],
      ['a step-up', (browser) => browser.post('/guarded/step-up')],
    ])('begins no session over the newer token of %s', async (_, overtake) => {
      const { app } = bench;
      app.on('write', ({ session }) => session.set('cart', 1));
      const { browser } = await rotated(bench);
      const tab = app.browser();
      tab.cookies.set(COOKIE, tokenOf(browser));
      await overtake(browser);
      const rows = await app.rowCount();
      const { status, body, headers } = await tab.post('/public/write');
      expect([status, body]).toMatchObject([401, { code: 'SESSION_ENDED' }]);
      expect(headers.getSetCookie()).toEqual([]);
      expect(await app.rowCount()).toBe(rows);
    });

    it('begins one where the browser has not come with the newer token within the grace', async () => {
      const { app } = bench;
      app.on('write', ({ session }) => session.set('cart', 1));
      const { browser } = await rotated(bench);
      const tab = app.browser();
      tab.cookies.set(COOKIE, tokenOf(browser));
      await browser.post('/login', { userId: 'bob' });
      app.clock.advance(seconds(30));
      expect((await tab.post('/public/write')).headers.getSetCookie()).toHaveLength(1);
      app.on('read', ({ session }) => session.data);
      expect((await tab.get('/public/read')).body).toEqual({ cart: 1 });
    });

    it('may sign in over a token that was replaced a moment ago', async () => {
      const { app } = bench;
      const { browser } = await rotated(bench);
      const tab = app.browser();
      tab.cookies.set(COOKIE, tokenOf(browser));
      await browser.post('/login', { userId: 'bob' });
      await tab.post('/login', { userId: 'bob' });
      expect((await tab.get('/me')).body).toEqual({ userId: 'bob' });
    });
  },
  {
    imports: [TypeOrmModule.forFeature([Account])],
    options: { rotationIntervalMs: minutes(10), principal: ACCOUNT_PRINCIPAL },
  },
  ['sqlite'],
);
