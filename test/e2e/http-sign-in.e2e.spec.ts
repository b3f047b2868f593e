import { beforeAll, describe, expect, it } from '@jest/globals';
import { TypeOrmModule } from '@nestjs/typeorm';
import { hours, minutes, seconds, SessionError } from 'nestjs-curfew';
import { defer } from 'rxjs';

import { Account } from '../support/account.entity.js';
import type { Browser } from '../support/browser.js';
import { describeHttp } from '../support/describe-http.js';
import { COOKIE, type HttpApp } from '../support/http-app.js';
import { collectEvents } from '../support/next-event.js';
import { ACCOUNT_PRINCIPAL, createAccounts } from '../support/session-store.js';

const CLEARED = `${COOKIE}=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax`;

const tokenOf = (browser: Browser): string => browser.cookies.get(COOKIE) ?? 'none';

/** A second browser that holds what the first holds now. */
function thiefOf(app: HttpApp, browser: Browser): Browser {
  const thief = app.browser();
  thief.cookies.set(COOKIE, tokenOf(browser));
  return thief;
}

let userCount = 0;
const newUser = (): string => `user-${(userCount += 1)}`;

await describeHttp(
  'signing in and out',
  (bench) => {
    beforeAll(() => createAccounts(bench.app.dataSource));

    describe('signing in', () => {
      it('gives a new token, and the one before it is dead', async () => {
        const { app } = bench;
        app.on('write', ({ session }) => session.set('cart', 1));
        const browser = app.browser();
        await browser.post('/public/write');
        const thief = thiefOf(app, browser);
        await browser.post('/login', { userId: newUser() });
        expect(tokenOf(browser)).not.toBe(tokenOf(thief));
        expect((await browser.get('/me')).status).toBe(200);
        const stolen = await thief.get('/me');
        expect(stolen.body).toMatchObject({ reason: 'revoked', revokeReason: 'replaced' });
        // A browser may hold the new token under the same name by now.
        expect(stolen.headers.getSetCookie()).toEqual([]);
      });

      it('gives a new token also to who is signed in already', async () => {
        const { app } = bench;
        const userId = newUser();
        const browser = await app.signedIn(userId);
        const thief = thiefOf(app, browser);
        await browser.post('/login', { userId });
        expect((await browser.get('/me')).status).toBe(200);
        expect((await thief.get('/me')).status).toBe(401);
      });

      it('never takes over a token that the client brought', async () => {
        const { app } = bench;
        const fixed = app.sessions.prepare();
        const victim = app.browser();
        victim.cookies.set(COOKIE, fixed.token);
        await victim.post('/login', { userId: newUser() });
        expect(tokenOf(victim)).not.toBe(fixed.token);
        const thief = app.browser();
        thief.cookies.set(COOKIE, fixed.token);
        expect((await thief.get('/me')).status).toBe(401);
      });

      it('carries the data of the anonymous session over, and none of another user', async () => {
        const { app } = bench;
        app.on('write', ({ session, body }) => session.set('cart', body['cart']));
        app.on('read', ({ session }) => ({ cart: session.get('cart') ?? null }));
        app.on('switch', ({ session, body }) => {
          session.set('draft', 'of the user before');
          session.signIn(String(body['userId']));
          return { ...session.data };
        });
        const browser = app.browser();
        await browser.post('/public/write', { cart: 'apple' });
        await browser.post('/login', { userId: newUser() });
        expect((await browser.get('/guarded/read')).body).toEqual({ cart: 'apple' });
        const during = await browser.post('/guarded/switch', { userId: newUser() });
        expect(during.body).toEqual({});
        expect((await browser.get('/guarded/read')).body).toEqual({ cart: null });
      });

      it('shows in the same request, and the stored session after save()', async () => {
        const { app } = bench;
        const userId = newUser();
        app.on('sign-in', async ({ session }) => {
          session.signIn(userId, { aal: 2 });
          const pending = [session.userId, session.isAuthenticated, session.aal, session.id];
          await session.save();
          const stored = await app.sessions.find(session.id ?? '');
          return { pending, userId: stored?.userId, remainingMs: session.remainingMs };
        });
        const answer = await app.browser().post('/public/sign-in');
        expect(answer.body).toEqual({
          pending: [userId, true, 2, null],
          userId,
          remainingMs: expect.any(Number),
        });
      });

      it('goes to the last of two in one request, with one cookie', async () => {
        const { app } = bench;
        app.on('twice', async ({ session }) => {
          session.signIn('first');
          await session.save();
          session.signIn('second');
        });
        const browser = app.browser();
        const answer = await browser.post('/public/twice');
        expect(answer.headers.getSetCookie()).toHaveLength(1);
        expect((await browser.get('/me')).body).toEqual({ userId: 'second' });
      });

      it('then out in one request leaves nobody signed in', async () => {
        const { app } = bench;
        const userId = newUser();
        app.on('in-and-out', async ({ session }) => {
          session.signIn(userId);
          await session.save();
          await session.signOut();
        });
        const browser = app.browser();
        await browser.post('/public/in-and-out');
        expect(browser.cookies.size).toBe(0);
        expect((await app.sessions.list(userId)).sessions).toEqual([]);
      });

      it('out and in again in one request leaves the new user signed in', async () => {
        const { app } = bench;
        const [before, after] = [newUser(), newUser()];
        app.on('out-and-in', async ({ session }) => {
          await session.signOut();
          session.signIn(after);
        });
        const browser = await app.signedIn(before);
        await browser.post('/guarded/out-and-in');
        expect((await browser.get('/me')).body).toEqual({ userId: after });
        expect((await app.sessions.list(before)).sessions).toEqual([]);
      });
    });

    describe('signing out', () => {
      it('ends the session and clears the cookie with the attributes that set it', async () => {
        const { app } = bench;
        const browser = await app.signedIn(newUser());
        const thief = thiefOf(app, browser);
        const answer = await browser.post('/logout');
        expect(answer.headers.getSetCookie()).toEqual([CLEARED]);
        const stolen = await thief.get('/me');
        expect(stolen.body).toMatchObject({ reason: 'revoked', revokeReason: 'signed-out' });
        expect(stolen.headers.getSetCookie()).toEqual([CLEARED]);
      });

      it('holds though the request fails afterwards', async () => {
        const { app } = bench;
        app.on('out-and-fail', async ({ session }) => {
          await session.signOut();
          throw new Error('afterwards');
        });
        const browser = await app.signedIn(newUser());
        const thief = thiefOf(app, browser);
        expect((await browser.post('/guarded/out-and-fail')).status).toBe(500);
        expect((await thief.get('/me')).status).toBe(401);
      });

      it.each(['public', 'own'])(
        'is waited for where the handler of %s forgets to',
        async (route) => {
          const { app } = bench;
          app.on('forget-to-wait', ({ session, response }) => {
            void session.signOut();
            if (route === 'own') response.send('bye');
          });
          const browser = await app.signedIn(newUser());
          const answer = await browser.post(`/${route}/forget-to-wait`);
          expect(answer.headers.getSetCookie()).toEqual([CLEARED]);
        },
      );

      it('of nobody costs no query and makes no row', async () => {
        const { app } = bench;
        app.on('sign-out', ({ session }) => session.signOut());
        const before = await app.rowCount();
        const statements = await app.statements.during(() =>
          app.browser().post('/public/sign-out'),
        );
        expect([statements, (await app.rowCount()) - before]).toEqual([[], 0]);
      });

      it('drops the data, and what is set afterwards begins a session of its own', async () => {
        const { app } = bench;
        app.on('write', ({ session }) => session.set('a', 1));
        app.on('out-and-write', async ({ session }) => {
          await session.signOut();
          session.set('b', 2);
        });
        app.on('read', ({ session }) => ({ ...session.data, userId: session.userId }));
        const browser = await app.signedIn(newUser());
        await browser.post('/guarded/write');
        await browser.post('/guarded/out-and-write');
        expect((await browser.get('/public/read')).body).toEqual({ b: 2, userId: null });
      });
    });

    describe('ending several sessions', () => {
      it.each([
        ['others', [200, 401], 'revoked'],
        ['all', [401, 401], 'left'],
        ['current', [401, 200], 'signed-out'],
      ])(
        '@RevokeSessions with scope %s takes effect after the handler',
        async (scope, statuses, reason) => {
          const { app } = bench;
          const userId = newUser();
          const [here, there] = [await app.signedIn(userId), await app.signedIn(userId)];
          const [herePeek, therePeek] = [thiefOf(app, here), thiefOf(app, there)];
          app.on('during', async () => (await app.sessions.list(userId)).sessions.length);
          expect(Number((await here.post(`/revoke/${scope}/during`)).body)).toBe(2);
          const answers = [await herePeek.get('/me'), await therePeek.get('/me')];
          expect(answers.map(({ status }) => status)).toEqual(statuses);
          const refused = answers.find(({ status }) => status === 401);
          expect(refused?.body).toMatchObject({ revokeReason: reason });
          expect(here.cookies.has(COOKIE)).toBe(scope === 'others');
        },
      );

      it.each(['all', 'others', 'current'])(
        '@RevokeSessions with scope %s ends nothing where the handler fails',
        async (scope) => {
          const { app } = bench;
          const userId = newUser();
          const [here, there] = [await app.signedIn(userId), await app.signedIn(userId)];
          app.on('fail', () => {
            throw new Error('no');
          });
          await here.post(`/revoke/${scope}/fail`);
          expect([(await here.get('/me')).status, (await there.get('/me')).status]).toEqual([
            200, 200,
          ]);
        },
      );

      it('revokeOthers() keeps the sign-in of the same request', async () => {
        const { app } = bench;
        const userId = newUser();
        const there = await app.signedIn(userId);
        app.on('only-here', async ({ session }) => {
          session.signIn(userId);
          await session.revokeOthers();
        });
        const here = app.browser();
        await here.post('/public/only-here');
        expect([(await here.get('/me')).status, (await there.get('/me')).status]).toEqual([
          200, 401,
        ]);
      });

      it('revokeOthers() of nobody is refused', async () => {
        const { app } = bench;
        app.on('others', ({ session }) => session.revokeOthers());
        const answer = await app.browser().post('/public/others');
        expect([answer.status, answer.body]).toMatchObject([
          401,
          { code: 'SESSION_UNAUTHENTICATED' },
        ]);
      });
    });

    describe('a change of password', () => {
      const change = async (app: HttpApp, userId: string): Promise<void> => {
        const accounts = app.dataSource.getRepository(Account);
        const account = await accounts.findOneByOrFail({ id: userId });
        await accounts.save(Object.assign(account, { passwordHash: `${account.passwordHash}+` }));
      };

      it.each(['a promise', 'an Observable'])(
        'by a handler that returns %s ends the other sessions and gives this one a new token',
        async (kind) => {
          const { app } = bench;
          const userId = newUser();
          await app.dataSource
            .getRepository(Account)
            .insert({ id: userId, passwordHash: 'old', isDisabled: false });
          const [here, there] = [await app.signedIn(userId), await app.signedIn(userId)];
          const thief = thiefOf(app, here);
          app.on('change', () =>
            kind === 'a promise' ? change(app, userId) : defer(() => change(app, userId)),
          );
          expect((await here.post('/guarded/change')).status).toBe(200);
          expect((await here.get('/me')).status).toBe(200);
          const refused = [await there.get('/me'), await thief.get('/me')];
          expect(refused.map(({ body }) => body)).toMatchObject([
            { reason: 'revoked', revokeReason: 'password-changed' },
            { reason: 'superseded' },
          ]);
        },
      );
    });

    describe('stepping up', () => {
      it.each([
        ['/recent', { maxAgeMs: 60_000 }],
        ['/strong', { aal: 2 }],
      ])('%s says what is missing, and opens after the proof', async (path, missing) => {
        const { app } = bench;
        const denied = collectEvents(app.events, 'session:denied');
        app.on('prove', ({ session }) => session.stepUp({ aal: 2, amr: ['pwd', 'otp'] }));
        const browser = await app.signedIn(newUser());
        app.clock.advance(60_001);
        const thief = thiefOf(app, browser);
        const refused = await browser.get(path);
        expect([refused.status, refused.body]).toEqual([
          403,
          {
            statusCode: 403,
            error: 'Forbidden',
            code: 'SESSION_STEP_UP_REQUIRED',
            reason: 'step_up_required',
            ...missing,
          },
        ]);
        expect(denied).toMatchObject([{ code: 'SESSION_STEP_UP_REQUIRED' }]);
        await browser.post('/guarded/prove');
        expect((await browser.get(path)).status).toBe(200);
        expect((await thief.get('/me')).body).toMatchObject({ reason: 'superseded' });
      });

      it('without a session is 401', async () => {
        expect((await bench.app.browser().get('/recent')).status).toBe(401);
      });

      it('of nobody is refused at once', async () => {
        const { app } = bench;
        const thrown: unknown[] = [];
        app.on('prove', ({ session }) => {
          try {
            session.stepUp({ aal: 2 });
          } catch (error) {
            thrown.push(error);
          }
        });
        await app.browser().post('/public/prove');
        expect(thrown).toEqual([expect.any(SessionError)]);
      });
    });
  },
  {
    imports: [TypeOrmModule.forFeature([Account])],
    options: {
      principal: ACCOUNT_PRINCIPAL,
      policies: {
        default: { idleTimeoutMs: minutes(30), absoluteTimeoutMs: hours(12) },
      },
      touchIntervalMs: seconds(60),
    },
  },
);
