import { expect, it } from '@jest/globals';
import { days, hours, minutes } from 'nestjs-curfew';

import type { Browser } from '../support/browser.js';
import { describeHttp } from '../support/describe-http.js';
import { COOKIE } from '../support/http-app.js';
import { collectEvents } from '../support/next-event.js';
import { rawRequest } from '../support/raw-request.js';

const CROSS_SITE = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.test' };
const TRUSTED = 'https://admin.example.org';

/** Sends the body of a plain HTML form, as a foreign page can without being asked first. */
function submitForm(
  browser: Browser,
  path: string,
  headers: Readonly<Record<string, string>>,
): ReturnType<Browser['send']> {
  return browser.send('POST', path, '{"userId":"eve"}', {
    'content-type': 'application/json',
    ...headers,
  });
}

await describeHttp(
  'the guard',
  (bench) => {
    it('refuses unsafe requests of other origins, sign-in included, without a query', async () => {
      const { app } = bench;
      app.on('nothing', () => ({}));
      const denied = collectEvents(app.events, 'session:denied');
      const browser = await app.signedIn('ada');
      const paths = ['/login', '/logout', '/public/nothing', '/lazy/nothing', '/guarded/nothing'];
      const statements = await app.statements.during(async () => {
        for (const path of paths) {
          const { status, body } = await submitForm(browser, path, CROSS_SITE);
          expect([status, body]).toEqual([
            403,
            {
              statusCode: 403,
              error: 'Forbidden',
              code: 'SESSION_CROSS_ORIGIN',
              reason: 'cross_origin',
            },
          ]);
        }
      });
      expect(statements).toEqual([]);
      expect(denied).toHaveLength(paths.length);
      expect(denied[0]).toEqual({
        sessionId: null,
        code: 'SESSION_CROSS_ORIGIN',
        reason: 'cross-site',
      });
      expect((await browser.get('/me')).status).toBe(200);
    });

    it('lets other origins read, send to skipped routes, and do as trusted ones', async () => {
      const browser = await bench.app.signedIn('ada');
      expect((await browser.send('GET', '/me', undefined, CROSS_SITE)).status).toBe(200);
      expect((await submitForm(browser, '/skipped', CROSS_SITE)).status).toBe(200);
      const trusted = { ...CROSS_SITE, origin: TRUSTED };
      expect((await submitForm(browser, '/login', trusted)).status).toBe(201);
    });

    it('takes its own origin from the request where the browser sends no Sec-Fetch-Site', async () => {
      const { app } = bench;
      const own = await submitForm(app.browser(), '/login', { origin: app.origin });
      const other = await submitForm(app.browser(), '/login', { origin: 'http://127.0.0.1:1' });
      const opaque = await submitForm(app.browser(), '/login', { origin: 'null' });
      expect([own.status, other.status, opaque.status]).toEqual([201, 403, 403]);
    });

    it('tells whose session it refused', async () => {
      const { app } = bench;
      const denied = collectEvents(app.events, 'session:denied');
      app.on('id', ({ session }) => ({ id: session.id }));
      const browser = await app.signedIn('ada');
      const { id } = (await browser.get('/guarded/id')).body as { id: string };
      await app.sessions.revoke(id, { reason: 'lost-phone' });
      await browser.get('/me');
      expect(denied).toEqual([{ sessionId: id, code: 'SESSION_REQUIRED', reason: 'lost-phone' }]);
    });

    it('refuses a session that belongs to nobody', async () => {
      const { app } = bench;
      app.on('write', ({ session }) => session.set('a', 1));
      const browser = app.browser();
      await browser.post('/public/write');
      const answer = await browser.get('/me');
      expect([answer.status, answer.body]).toMatchObject([401, { reason: 'anonymous' }]);
      expect(browser.cookies.has(COOKIE)).toBe(true);
    });

    it('says on public routes that nobody looked, until somebody does', async () => {
      const { app } = bench;
      const seen: unknown[] = [];
      app.on('look', async ({ session }) => {
        try {
          seen.push(session.userId);
        } catch (error) {
          seen.push((error as { code: string }).code);
        }
        await session.load();
        seen.push(session.userId);
      });
      await (await app.signedIn('ada')).get('/lazy/look');
      expect(seen).toEqual(['SESSION_CONTEXT_MISSING', 'ada']);
    });

    it('attaches nothing to skipped routes', async () => {
      const { app } = bench;
      const browser = await app.signedIn('ada');
      expect(await app.statements.during(() => browser.get('/skipped'))).toEqual([]);
    });

    it('calls the methods with @OnSessionEvent()', async () => {
      const { app } = bench;
      const browser = await app.signedIn('listener');
      await browser.post('/logout');
      expect(app.scripts.revoked).toContainEqual({
        sessionId: expect.any(String),
        userId: 'listener',
        reason: 'signed-out',
      });
    });
  },
  { options: { trustedOrigins: [TRUSTED] } },
);

await describeHttp(
  'a guard that only reports other origins',
  (bench) => {
    it('lets them pass, and says so', async () => {
      const { app } = bench;
      const denied = collectEvents(app.events, 'session:denied');
      expect((await submitForm(app.browser(), '/login', CROSS_SITE)).status).toBe(201);
      expect(denied).toMatchObject([{ code: 'SESSION_CROSS_ORIGIN', reason: 'cross-site' }]);
    });
  },
  { options: { crossOrigin: 'report' } },
  ['sqlite'],
);

await describeHttp(
  'a guard for chosen routes',
  (bench) => {
    it('treats the others as public, and still knows who is signed in', async () => {
      const { app } = bench;
      const browser = await app.signedIn('ada');
      expect((await browser.get('/me')).body).toEqual({ userId: 'ada' });
      expect((await app.browser().get('/me')).status).toBe(200);
      expect((await app.browser().get('/recent')).status).toBe(401);
    });
  },
  { globalGuard: false },
  ['sqlite'],
);

await describeHttp(
  'a bearer client',
  (bench) => {
    const authorize = (token: string): Record<string, string> => ({
      authorization: `Bearer ${token}`,
    });

    it('is handed its token in a header, and gets no cookie', async () => {
      const { app } = bench;
      const signedIn = await app.browser().post('/login', { userId: 'ada' });
      const token = signedIn.headers.get('session-token') ?? '';
      expect(token).toHaveLength(82);
      expect(signedIn.headers.getSetCookie()).toEqual([]);
      const answer = await app.browser().send('GET', '/me', undefined, authorize(token));
      expect(answer.body).toEqual({ userId: 'ada' });
      expect(answer.headers.get('vary')).toBe('Authorization');
      expect(answer.headers.get('cache-control')).toBe('no-store');
    });

    it('may have the token in a body, after save()', async () => {
      const { app } = bench;
      app.on('sign-in', async ({ session }) => {
        session.signIn('ada');
        await session.save();
        return { token: session.token };
      });
      const answer = await app.browser().post('/public/sign-in');
      expect(answer.body).toEqual({ token: answer.headers.get('session-token') });
    });

    it('is signed out without a cookie being cleared', async () => {
      const { app } = bench;
      const { token } = await app.sessions.issue({ userId: 'ada' });
      const out = await app.browser().send('POST', '/logout', undefined, authorize(token));
      expect([out.status, out.headers.getSetCookie()]).toEqual([201, []]);
      const answer = await app.browser().send('GET', '/me', undefined, authorize(token));
      expect(answer.body).toMatchObject({ reason: 'revoked', revokeReason: 'signed-out' });
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    });

    it('needs no origin, as no browser sends its token by itself', async () => {
      const answer = await submitForm(bench.app.browser(), '/login', CROSS_SITE);
      expect(answer.status).toBe(201);
    });

    it('is not known by a cookie, and not by two headers', async () => {
      const { app } = bench;
      const { token } = await app.sessions.issue({ userId: 'ada' });
      const byCookie = await rawRequest(app.origin, 'GET', '/me', ['Cookie', `${COOKIE}=${token}`]);
      const line = ['Authorization', `Bearer ${token}`];
      const byTwo = await rawRequest(app.origin, 'GET', '/me', [...line, ...line]);
      expect([byCookie, byTwo].map(({ body }) => JSON.parse(body))).toMatchObject([
        { reason: 'absent' },
        { reason: 'malformed' },
      ]);
    });
  },
  { options: { carrier: 'bearer' } },
  ['sqlite'],
);

await describeHttp(
  'an expiry of one session',
  (bench) => {
    it('shortens what the policy allows, and slides', async () => {
      const { app } = bench;
      app.on('shorten', ({ session }) => session.expireAfter(minutes(2)));
      app.on('restore', ({ session }) => session.useDefaultExpiry());
      app.on('left', ({ session }) => ({ remainingMs: session.remainingMs }));
      const browser = await app.signedIn('ada');
      await browser.post('/guarded/shorten');
      app.clock.advance(minutes(1.5));
      expect((await browser.get('/me')).status).toBe(200);
      await app.sessions.flushTouches();
      app.clock.advance(minutes(1.5));
      expect((await browser.post('/guarded/restore')).status).toBe(200);
      const { remainingMs } = (await browser.get('/guarded/left')).body as { remainingMs: number };
      expect(Math.ceil(remainingMs / minutes(1))).toBe(29);
    });

    it.each([
      ['a longer silence than the policy allows', { ms: minutes(30) + 1 }],
      ['a fraction', { ms: 1500.5 }],
      ['no time', { ms: 0 }],
      ['an end in the past', { date: -1 }],
      ['an end after the absolute timeout', { date: hours(12) + minutes(1) }],
      ['no date', { date: Number.NaN }],
    ])('is refused at once for %s', async (_, { ms, date }: { ms?: number; date?: number }) => {
      const { app } = bench;
      const codes: unknown[] = [];
      app.on('expire', ({ session }) => {
        try {
          if (ms !== undefined) session.expireAfter(ms);
          else session.expireAt(new Date(app.clock.now() + (date ?? 0)));
        } catch (error) {
          codes.push((error as { code: string }).code);
        }
      });
      await (await app.signedIn('ada')).post('/guarded/expire');
      expect(codes).toEqual(['SESSION_EXPIRY_INVALID']);
    });

    it('goes back to the default of the session, not of one that a sign-in begins', async () => {
      const { app } = bench;
      app.on('write', ({ session }) => session.set('a', 1));
      app.on('sign-in', ({ session }) => {
        session.useDefaultExpiry();
        session.signIn('ada', { policy: 'remembered' });
      });
      const browser = app.browser();
      await browser.post('/public/write');
      const { headers } = await browser.post('/public/sign-in');
      expect(headers.get('set-cookie')).toContain(`Max-Age=${days(90) / 1000};`);
      app.clock.advance(days(14) - 1);
      expect((await browser.get('/me')).status).toBe(200);
    });

    it('is measured by the policy of a sign-in that is pending', async () => {
      const { app } = bench;
      const codes: unknown[] = [];
      app.on('expire', ({ session }) => {
        session.signIn('ada', { policy: 'remembered' });
        session.expireAfter(days(2));
        try {
          session.signIn('ada', { policy: 'unknown' });
        } catch (error) {
          codes.push((error as { code: string }).code);
        }
      });
      const browser = app.browser();
      await browser.post('/public/expire');
      expect(codes).toEqual(['SESSION_POLICY_UNKNOWN']);
      app.clock.advance(days(2) - 1);
      expect((await browser.get('/me')).status).toBe(200);
    });
  },
  {
    options: {
      policies: {
        remembered: {
          idleTimeoutMs: days(14),
          absoluteTimeoutMs: days(90),
          persistent: true,
        },
      },
    },
  },
  ['sqlite'],
);

await describeHttp(
  'a guard that asks for CSRF tokens',
  (bench) => {
    it('takes an unsafe request of a session with its token, in the header or in the body', async () => {
      const { app } = bench;
      const browser = await app.signedIn('ada');
      app.on('form', ({ session }) => ({ csrfToken: session.csrfToken }));
      const { body } = await browser.get('/guarded/form');
      const { csrfToken } = body as { csrfToken: string };
      app.on('write', () => 'written');
      expect((await browser.post('/guarded/write', { _csrf: csrfToken })).status).toBe(200);
      const headers = { 'x-csrf-token': csrfToken };
      const answer = await browser.send('POST', '/guarded/write', undefined, headers);
      expect(answer.status).toBe(200);
    });

    it('refuses one without it, or with that of another session', async () => {
      const { app } = bench;
      const denied = collectEvents(app.events, 'session:denied');
      const browser = await app.signedIn('ada');
      app.on('form', ({ session }) => ({ csrfToken: session.csrfToken }));
      const other = (await (await app.signedIn('bob')).get('/guarded/form')).body;
      app.on('write', () => 'written');
      const { csrfToken } = other as { csrfToken: string };
      for (const sent of [undefined, { _csrf: csrfToken }, { _csrf: ['x'] }]) {
        const answer = await browser.post('/guarded/write', sent);
        expect(answer.status).toBe(403);
        expect(answer.body).toMatchObject({
          code: 'SESSION_CSRF_TOKEN_REQUIRED',
          reason: 'csrf_token_required',
        });
      }
      expect(denied).toHaveLength(3);
    });

    it('asks nothing of readers, nor of visitors without a session', async () => {
      const { app } = bench;
      const browser = await app.signedIn('ada');
      expect((await browser.get('/me')).status).toBe(200);
      expect((await app.browser().post('/login', { userId: 'bob' })).status).toBe(201);
    });
  },
  { options: { requireCsrfToken: true } },
);
