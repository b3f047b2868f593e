import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Express, Request, RequestHandler } from 'express';
import expressSession, { type SessionOptions } from 'express-session';
import type { ExpressSessionStoreOptions } from 'nestjs-curfew/express-session';

import { days, minutes } from '../../libs/session/src/core/duration.js';
import type { SessionService } from '../../libs/session/src/core/session.service.js';
import type { Browser } from '../support/browser.js';
import { sidOf, startExpressApp, tabOf, type ExpressApp } from '../support/express-app.js';
import { describeEachStore } from '../support/express-session-stores.js';
import { createTestSessions, type TestSessions } from '../support/session-service.js';
import { Turnstile } from '../support/turnstile.js';

/** The session's own data, as a test sees it. */
function dataOf({ session }: Request): Record<string, unknown> {
  return session as unknown as Record<string, unknown>;
}

/** Routes that do to a session what applications do. */
function define(app: Express): void {
  app.get('/look', (request, response) => {
    const { cookie: _, ...data } = JSON.parse(JSON.stringify(request.session)) as {
      cookie: object;
    };
    response.json(data);
  });
  app.post('/set', (request, response) => {
    Object.assign(request.session, request.body);
    response.json({ ok: true });
  });
  app.post('/set-and-redirect', (request, response, next) => {
    Object.assign(request.session, request.body);
    request.session.save((error) => (error ? next(error) : response.redirect('/look')));
  });
  app.post('/regenerate', (request, response, next) => {
    request.session.regenerate((error) => {
      if (error) return next(error);
      Object.assign(request.session, request.body);
      response.json({ ok: true });
    });
  });
  app.post('/destroy', (request, response, next) => {
    request.session.destroy((error) => (error ? next(error) : response.json({ ok: true })));
  });
  app.post('/unset', (request, response) => {
    (request as { session: unknown }).session = null;
    response.json({ ok: true });
  });
  app.post('/remember', (request, response) => {
    request.session.cookie.maxAge = minutes(90);
    response.json({ ok: true });
  });
  app.get('/stream', (request, response) => {
    dataOf(request)['streamed'] = true;
    response.write('one,');
    response.write('two,');
    response.end('three');
  });
}

function waitAt(turnstile: Turnstile): RequestHandler {
  return async (_request, _response, next) => {
    await turnstile.pass();
    next();
  };
}

await describeEachStore('express-session', (current) => {
  let test: TestSessions;
  let sessions: SessionService;
  let apps: ExpressApp[];

  beforeEach(() => {
    test = createTestSessions(current());
    ({ sessions } = test);
    apps = [];
  });

  afterEach(async () => {
    await sessions.flushTouches();
    for (const app of apps) await app.close();
  });

  async function start(
    options: Partial<SessionOptions> & ExpressSessionStoreOptions = {},
    more: (app: Express) => void = () => {},
  ): Promise<ExpressApp> {
    const app = await startExpressApp(
      sessions,
      (express) => {
        define(express);
        more(express);
      },
      options,
    );
    apps.push(app);
    return app;
  }

  /** A browser whose session holds `data`. */
  async function visitor(app: ExpressApp, data: object = { color: 'red' }): Promise<Browser> {
    const browser = app.browser();
    expect(await browser.post('/set', data)).toMatchObject({ status: 200 });
    expect(sidOf(browser)).toHaveLength(82);
    return browser;
  }

  async function look(browser: Browser): Promise<unknown> {
    return (await browser.get('/look')).body;
  }

  async function rowOf(browser: Browser) {
    const resolution = await sessions.resolve(sidOf(browser));
    return 'record' in resolution ? resolution.record.session : undefined;
  }

  async function rowCount(): Promise<number> {
    return (await sessions.statistics()).sessions;
  }

  it('keeps data from one request to the next, under an id that is a token', async () => {
    const browser = await visitor(await start());

    expect(await look(browser)).toEqual({ color: 'red' });
    expect(await sessions.resolve(sidOf(browser))).toMatchObject({ status: 'active' });
  });

  it('stores nothing and sends no cookie for a session that nobody changed', async () => {
    const browser = (await start()).browser();
    const before = await rowCount();

    const { headers } = await browser.get('/look');

    expect(headers.getSetCookie()).toEqual([]);
    expect(await rowCount()).toBe(before);
  });

  it('stores a session that nobody changed where saveUninitialized asks for it', async () => {
    const browser = (await start({ saveUninitialized: true })).browser();
    await browser.get('/look');
    const sid = sidOf(browser);

    await browser.get('/look');

    expect(await sessions.resolve(sid)).toMatchObject({ status: 'active' });
    expect(sidOf(browser)).toBe(sid);
  });

  it('gives a new id to whoever brings one that is none of ours, signed or not', async () => {
    const secret = 'signs the cookie';
    const own = await start();
    const foreign = await startExpressApp(sessions, define, {
      secret,
      store: new expressSession.MemoryStore(),
      genid: () => 'chosen by an attacker',
    });
    apps.push(foreign);
    const browser = foreign.browser();
    await browser.post('/set', { color: 'red' });
    const [[name, value] = ['', '']] = browser.cookies;

    for (const brought of [value, 's%3Aunsigned', 'plain']) {
      const victim = own.browser();
      victim.cookies.set(name, brought);
      expect(await look(victim)).toEqual({});
      await victim.post('/set', { color: 'blue' });
      expect(sidOf(victim)).toHaveLength(82);
      expect(await look(victim)).toEqual({ color: 'blue' });
    }
  });

  it('sends the cookie again on every response where rolling asks for it', async () => {
    const browser = await visitor(await start({ rolling: true, cookie: { maxAge: minutes(10) } }));

    const { headers } = await browser.get('/look');

    expect(headers.getSetCookie()).toEqual([expect.stringMatching(/Expires=.*HttpOnly/)]);
  });

  it('sends no cookie with an unchanged session otherwise', async () => {
    const browser = await visitor(await start());

    expect((await browser.get('/look')).headers.getSetCookie()).toEqual([]);
  });

  it.each([true, false])('writes no unchanged session with resave %s', async (resave) => {
    const browser = await visitor(await start({ resave, cookie: { maxAge: minutes(10) } }));
    await browser.get('/look');
    await browser.get('/look');

    expect(await rowOf(browser)).toMatchObject({ version: 0 });
  });

  it.each([true, false])('moves the idle deadline with resave %s', async (resave) => {
    const browser = await visitor(await start({ resave }));
    for (let visit = 0; visit < 3; visit += 1) {
      test.clock.advance(minutes(90));
      expect(await look(browser)).toEqual({ color: 'red' });
      await sessions.flushTouches();
    }

    test.clock.advance(minutes(120));

    expect(await look(browser)).toEqual({});
  });

  it('is over when the cookie would be, though the browser kept it', async () => {
    const browser = await visitor(await start({ cookie: { maxAge: minutes(10) } }));

    test.clock.advance(minutes(10));

    expect(await look(browser)).toEqual({});
  });

  it('takes a new age of the cookie for the idle timeout', async () => {
    const browser = await visitor(await start({ cookie: { maxAge: minutes(10) } }));
    await browser.post('/remember');

    test.clock.advance(minutes(60));

    expect(await look(browser)).toEqual({ color: 'red' });
    expect(await rowOf(browser)).toMatchObject({
      idleTimeoutMs: expect.closeTo(minutes(90), -3),
      persistent: true,
    });
  });

  it('gives a new id at regenerate and ends the old one', async () => {
    const app = await start();
    const browser = await visitor(app);
    const thief = tabOf(app, browser);

    await browser.post('/regenerate', { color: 'blue' });

    expect(sidOf(browser)).not.toBe(sidOf(thief));
    expect(await look(browser)).toEqual({ color: 'blue' });
    expect(await look(thief)).toEqual({});
    expect(await rowOf(thief)).toMatchObject({ revokeReason: 'replaced' });
  });

  it.each([
    ['destroy', {}],
    ['unset', { unset: 'destroy' }],
  ] as const)('is over for every tab after %s', async (path, options) => {
    const app = await start(options);
    const browser = await visitor(app);
    const tab = tabOf(app, browser);

    await browser.post(`/${path}`);

    expect(await look(tab)).toEqual({});
    expect(await rowOf(tab)).toMatchObject({ revokeReason: 'signed-out' });
  });

  it('has saved before a redirect is followed', async () => {
    const browser = (await start()).browser();

    const { status } = await browser.post('/set-and-redirect', { color: 'red' });

    expect(status).toBe(302);
    expect(await look(browser)).toEqual({ color: 'red' });
    expect(await rowOf(browser)).toMatchObject({ version: 0 });
  });

  it('sends a streamed answer whole and saves', async () => {
    const browser = await visitor(await start());

    expect(await browser.get('/stream')).toMatchObject({ status: 200, body: 'one,two,three' });
    expect(await look(browser)).toEqual({ color: 'red', streamed: true });
  });

  it('reloads what another request has saved meanwhile, and goes on from there', async () => {
    const turnstile = new Turnstile();
    const app = await start({}, (express) => {
      express.post('/reload', waitAt(turnstile), (request, response, next) => {
        request.session.reload((error) => {
          if (error) return next(error);
          dataOf(request)['seen'] = dataOf(request)['color'];
          response.json({ ok: true });
        });
      });
    });
    const browser = await visitor(app);
    const reloading = tabOf(app, browser).post('/reload');
    await turnstile.entered;
    await browser.post('/set', { color: 'blue', size: 1 });
    turnstile.open();
    await reloading;

    expect(await look(browser)).toEqual({ color: 'blue', size: 1, seen: 'blue' });
  });

  it('keeps what parallel requests to two processes wrote to different keys', async () => {
    const processes = [await start(), await start()];
    const browser = await visitor(processes[0]!);
    const keys = Array.from({ length: 20 }, (_, index) => `key${index}`);

    const answers = await Promise.all(
      keys.map((key, index) =>
        tabOf(processes[index % 2]!, browser).post('/set', { [key]: index }),
      ),
    );

    expect(answers.map(({ status }) => status)).toEqual(keys.map(() => 200));
    expect(await look(browser)).toEqual({
      color: 'red',
      ...Object.fromEntries(keys.map((key, index) => [key, index])),
    });
  });

  it.each(['after the purge', 'before the purge'])(
    'stays ended when a request that began before saves it late, %s',
    async (when) => {
      const turnstile = new Turnstile();
      const app = await start({}, (express) => {
        express.post('/slow', waitAt(turnstile), (request, response) => {
          dataOf(request)['late'] = true;
          response.json({ ok: true });
        });
      });
      const browser = await visitor(app);
      const slow = tabOf(app, browser).post('/slow');
      await turnstile.entered;
      await browser.post('/destroy');
      if (when === 'after the purge') {
        test.clock.advance(days(30));
        await sessions.purge();
      }
      const before = await rowCount();
      turnstile.open();
      await slow.catch(() => undefined);

      expect(await app.firstError).toMatchObject({ code: 'SESSION_ENDED', status: 401 });
      expect(await look(browser)).toEqual({});
      expect(await rowCount()).toBe(before);
    },
  );

  it('answers 401 where an application waits for the save of a session that has ended', async () => {
    const turnstile = new Turnstile();
    const app = await start({}, (express) => {
      express.post('/slow', waitAt(turnstile), (request, response, next) => {
        dataOf(request)['late'] = true;
        request.session.save((error) => (error ? next(error) : response.json({ ok: true })));
      });
    });
    const browser = await visitor(app);
    const slow = tabOf(app, browser).post('/slow');
    await turnstile.entered;
    await browser.post('/destroy');
    turnstile.open();

    expect((await slow).status).toBe(401);
  });

  it('ends when a request destroys it that has an earlier save under way', async () => {
    const app = await start({}, (express) => {
      express.post('/hasty', (request, response) => {
        dataOf(request)['color'] = 'red';
        request.session.save();
        request.session.destroy(() => response.json({ sid: request.sessionID }));
      });
    });

    const { body } = await app.browser().post('/hasty');

    expect(await sessions.resolve((body as { sid: string }).sid)).toMatchObject({
      status: 'revoked',
    });
  });

  it('is refused, with the cure, by a store without its genid', async () => {
    const app = await start({ genid: () => 'made elsewhere' });

    await app.browser().post('/set', { color: 'red' });

    expect(await app.firstError).toMatchObject({
      message: expect.stringMatching(/OPTIONS_INVALID.*`genid`/),
    });
  });
});
