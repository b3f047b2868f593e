import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Express, Request } from 'express';
import { Authenticator } from 'passport';
import { Strategy as LocalStrategy } from 'passport-local';

import { days, minutes } from '../../libs/session/src/core/duration.js';
import type { SessionService } from '../../libs/session/src/core/session.service.js';
import type { Browser } from '../support/browser.js';
import { sidOf, startExpressApp, tabOf, type ExpressApp } from '../support/express-app.js';
import { describeEachStore } from '../support/express-session-stores.js';
import { createTestSessions, type TestSessions } from '../support/session-service.js';

interface User {
  readonly id: string;
}

const PASSWORD = 'correct horse battery';
const POLICIES = {
  default: { idleTimeoutMs: minutes(30), absoluteTimeoutMs: days(1) },
  remembered: { idleTimeoutMs: days(14), absoluteTimeoutMs: days(90), persistent: true },
};

/** An application as the guides of Passport write it: nothing in here knows Curfew. */
function define(app: Express): void {
  const passport = new Authenticator();
  passport.use(
    new LocalStrategy((username, password, done) =>
      done(null, password === PASSWORD && username !== 'gone' ? { id: username } : false),
    ),
  );
  passport.serializeUser(
    (request: Request, user: Express.User, done: (error: null, id: string) => void) => {
      // The new session is there and not saved yet: the place to say how long it lives.
      const { remember } = (request.body ?? {}) as { remember?: boolean };
      if (remember === true) request.session.cookie.maxAge = days(14);
      done(null, (user as User).id);
    },
  );
  passport.deserializeUser((id: string, done) => done(null, id === 'removed' ? false : { id }));
  app.use(passport.session());

  app.post('/login', passport.authenticate('local'), (request, response) => {
    response.json(request.user);
  });
  app.post('/login-with-cart', (request, response, next) => {
    request.login({ id: 'ann' }, { keepSessionInfo: true } as never, (error: unknown) =>
      error ? next(error) : response.json(request.user),
    );
  });
  app.post('/login-by-hand', (request, response, next) => {
    Object.assign(request.session, { passport: { user: 'ann' } });
    request.session.save((error) => (error ? next(error) : response.json({ ok: true })));
  });
  app.post('/logout', (request, response, next) => {
    request.logout((error) => (error ? next(error) : response.json({ ok: true })));
  });
  app.post('/cart', (request, response) => {
    Object.assign(request.session, { cart: request.body as object });
    response.json({ ok: true });
  });
  app.get('/me', (request, response) => {
    const { cart = null } = request.session as { cart?: unknown };
    response.status(request.isAuthenticated() ? 200 : 401).json({ user: request.user, cart });
  });
}

await describeEachStore('Passport on express-session', (current) => {
  let test: TestSessions;
  let sessions: SessionService;
  let app: ExpressApp;

  beforeEach(async () => {
    test = createTestSessions({ ...current(), options: { policies: POLICIES } });
    ({ sessions } = test);
    app = await startExpressApp(sessions, define, {
      signIn: ({ cookie }) => ({
        policy: cookie.originalMaxAge === null ? 'default' : 'remembered',
      }),
    });
  });

  afterEach(async () => {
    await app.close();
    for (const user of ['ann', 'bob', 'removed']) await sessions.revokeAllForUser(user);
  });

  async function signedIn(username = 'ann', more: object = {}): Promise<Browser> {
    const browser = app.browser();
    const answer = await browser.post('/login', { username, password: PASSWORD, ...more });
    expect(answer).toMatchObject({ status: 200, body: { id: username } });
    return browser;
  }

  async function isSignedIn(browser: Browser): Promise<boolean> {
    return (await browser.get('/me')).status === 200;
  }

  async function rowOf(browser: Browser) {
    const resolution = await sessions.resolve(sidOf(browser));
    return 'record' in resolution ? resolution.record.session : undefined;
  }

  it('signs in by the right password and not by a wrong one', async () => {
    const browser = app.browser();

    expect((await browser.post('/login', { username: 'ann', password: 'guess' })).status).toBe(401);
    expect(browser.cookies.size).toBe(0);
    expect(await isSignedIn(await signedIn())).toBe(true);
  });

  it('lists the sessions of a user with what is known of each', async () => {
    await signedIn('ann');
    await signedIn('ann');
    await signedIn('bob');

    const { sessions: listed } = await sessions.list('ann');

    expect(listed).toHaveLength(2);
    for (const session of listed) {
      expect(session).toMatchObject({ policy: 'default', aal: 1, userAgent: 'test' });
      expect(session.ip).toContain('127.0.0.1');
    }
  });

  it('gives a new id at sign-in and ends the one that was known before', async () => {
    const browser = app.browser();
    await browser.post('/cart', { apple: 1 });
    const fixed = tabOf(app, browser);

    await browser.post('/login', { username: 'ann', password: PASSWORD });

    expect(sidOf(browser)).not.toBe(sidOf(fixed));
    expect(await isSignedIn(fixed)).toBe(false);
    expect(await rowOf(fixed)).toMatchObject({ userId: null, revokeReason: 'replaced' });
  });

  it('carries data over the sign-in where the application asks Passport for it', async () => {
    const browser = app.browser();
    await browser.post('/cart', { apple: 1 });

    await browser.post('/login-with-cart');

    expect(await browser.get('/me')).toMatchObject({
      status: 200,
      body: { user: { id: 'ann' }, cart: { apple: 1 } },
    });
  });

  it('refuses a sign-in that keeps the id that was known before', async () => {
    const browser = app.browser();
    await browser.post('/cart', { apple: 1 });

    expect((await browser.post('/login-by-hand')).status).toBe(500);

    expect(await app.firstError).toMatchObject({ code: 'SESSION_REGENERATE_REQUIRED' });
    expect(await browser.get('/me')).toMatchObject({ status: 401, body: { cart: { apple: 1 } } });
  });

  it('signs out for good, in every tab', async () => {
    const browser = await signedIn();
    const tab = tabOf(app, browser);

    await browser.post('/logout');

    expect(await isSignedIn(browser)).toBe(false);
    expect(await isSignedIn(tab)).toBe(false);
    expect(await rowOf(tab)).toMatchObject({ revokeReason: 'signed-out' });
  });

  it('lets the same browser sign in again, as another user', async () => {
    const browser = await signedIn('ann');
    await browser.post('/logout');

    await browser.post('/login', { username: 'bob', password: PASSWORD });

    expect((await browser.get('/me')).body).toMatchObject({ user: { id: 'bob' } });
  });

  it('ends the session of one user when another signs in over it', async () => {
    const browser = await signedIn('ann');
    const tab = tabOf(app, browser);

    await browser.post('/login', { username: 'bob', password: PASSWORD });

    expect(await isSignedIn(tab)).toBe(false);
    expect((await sessions.list('ann')).sessions).toEqual([]);
  });

  it('ends the session of a user whom deserializeUser no longer finds', async () => {
    const browser = await signedIn('removed');

    expect(await isSignedIn(browser)).toBe(false);

    expect(await rowOf(browser)).toMatchObject({ revokeReason: 'signed-out' });
  });

  it('ends every session of a user at once, and those of nobody else', async () => {
    const [ann, tab, bob] = [await signedIn('ann'), await signedIn('ann'), await signedIn('bob')];

    await sessions.revokeAllForUser('ann', { reason: 'password-changed' });

    expect(await isSignedIn(ann)).toBe(false);
    expect(await isSignedIn(tab)).toBe(false);
    expect(await isSignedIn(bob)).toBe(true);
  });

  it('remembers a user under the policy that the application names', async () => {
    const browser = await signedIn('ann', { remember: true });
    const other = await signedIn('ann');
    expect(await rowOf(browser)).toMatchObject({ policy: 'remembered', persistent: true });

    test.clock.advance(days(13));

    expect(await isSignedIn(browser)).toBe(true);
    expect(await isSignedIn(other)).toBe(false);
  });
});
