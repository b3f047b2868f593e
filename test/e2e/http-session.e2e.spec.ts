import { describe, expect, it } from '@jest/globals';
import { hours, minutes } from 'nestjs-curfew';

import type { Answer, Browser } from '../support/browser.js';
import { describeHttp } from '../support/describe-http.js';
import { COOKIE, type HttpApp } from '../support/http-app.js';
import { rawRequest } from '../support/raw-request.js';

const CLEARED = `${COOKIE}=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax`;

/** The headers that a session may add to a response. */
function sessionHeaders({ headers }: Answer): Record<string, unknown> {
  return {
    cookies: headers.getSetCookie(),
    cache: headers.get('cache-control'),
    vary: headers.get('vary'),
  };
}

const UNTOUCHED = { cookies: [], cache: null, vary: null };
const READ = { cookies: [], cache: 'no-store', vary: 'Cookie' };

/** How many statements and new rows `work` cost. */
async function costOf(
  app: HttpApp,
  work: () => Promise<unknown>,
): Promise<{ statements: number; rows: number }> {
  const before = await app.rowCount();
  const statements = await app.statements.during(work);
  return { statements: statements.length, rows: (await app.rowCount()) - before };
}

function tokenOf(browser: Browser): string {
  return browser.cookies.get(COOKIE) ?? 'none';
}

await describeHttp('a session over HTTP', (bench) => {
  describe('costs a request that does not look', () => {
    it.each(['untouched', 'lazy/nothing', 'skipped'])(
      'nothing without a cookie: no query, no row, no header (%s)',
      async (path) => {
        const { app } = bench;
        app.on('nothing', () => ({ ok: true }));
        let answer: Answer | undefined;
        const cost = await costOf(app, async () => {
          answer = await app.browser().get(`/${path}`);
        });
        expect(cost).toEqual({ statements: 0, rows: 0 });
        expect(answer && sessionHeaders(answer)).toEqual(UNTOUCHED);
      },
    );

    it.each(['untouched', 'skipped'])('nothing with a good cookie either (%s)', async (path) => {
      const browser = await bench.app.signedIn('ada');
      let answer: Answer | undefined;
      const cost = await costOf(bench.app, async () => {
        answer = await browser.get(`/${path}`);
      });
      expect(cost).toEqual({ statements: 0, rows: 0 });
      expect(answer && sessionHeaders(answer)).toEqual(UNTOUCHED);
    });

    it('nothing with the cookie of a session that is gone: it stays in the browser', async () => {
      const browser = bench.app.browser();
      browser.cookies.set(COOKIE, bench.app.sessions.prepare().token);
      expect(sessionHeaders(await browser.get('/untouched'))).toEqual(UNTOUCHED);
    });
  });

  it('costs a reader without a cookie no query, and lets caches keep the answer', async () => {
    const { app } = bench;
    let answer: Answer | undefined;
    const cost = await costOf(app, async () => {
      answer = await app.browser().get('/who');
    });
    expect(cost).toEqual({ statements: 0, rows: 0 });
    expect(answer?.body).toEqual({ userId: null });
    expect(answer && sessionHeaders(answer)).toEqual({ ...UNTOUCHED, vary: 'Cookie' });
  });

  it('costs a reader with a cookie one statement, and does not send the cookie again', async () => {
    const { app } = bench;
    const browser = await app.signedIn('ada');
    let answer: Answer | undefined;
    const cost = await costOf(app, async () => {
      answer = await browser.get('/who');
    });
    expect(cost).toEqual({ statements: 1, rows: 0 });
    expect(answer && sessionHeaders(answer)).toEqual(READ);
  });

  it('begins with the first write, with one row and one cookie', async () => {
    const { app } = bench;
    app.on('write', ({ session }) => session.set('cart', { apple: 1 }));
    app.on('read', ({ session }) => session.data);
    const browser = app.browser();
    let answer: Answer | undefined;
    const cost = await costOf(app, async () => {
      answer = await browser.post('/public/write');
    });
    expect(cost.rows).toBe(1);
    expect(answer && sessionHeaders(answer)).toEqual({
      ...READ,
      cookies: [`${COOKIE}=${tokenOf(browser)}; Path=/; HttpOnly; Secure; SameSite=Lax`],
    });
    expect((await browser.get('/public/read')).body).toEqual({ cart: { apple: 1 } });
  });

  it('is not stored where the request undoes what it did', async () => {
    const { app } = bench;
    app.on('set-and-delete', ({ session }) => {
      session.set('a', 1);
      session.delete('a');
    });
    app.on('set-and-sign-out', async ({ session }) => {
      session.set('a', 1);
      await session.signOut();
    });
    for (const name of ['set-and-delete', 'set-and-sign-out']) {
      let answer: Answer | undefined;
      const cost = await costOf(app, async () => {
        answer = await app.browser().post(`/public/${name}`);
      });
      expect(cost).toEqual({ statements: 0, rows: 0 });
      expect(answer?.headers.getSetCookie()).toEqual([]);
    }
  });

  it('writes nothing where a value was only set to what it was', async () => {
    const { app } = bench;
    app.on('set', ({ session }) => session.set('a', { b: [1] }));
    const browser = app.browser();
    await browser.post('/public/set');
    expect(await costOf(app, () => browser.post('/public/set'))).toEqual({
      statements: 1,
      rows: 0,
    });
  });

  it('is rotated with three statements and signed out with two', async () => {
    const { app } = bench;
    app.on('rotate', ({ session }) => session.rotate());
    const browser = await app.signedIn('ada');
    const rotated = await costOf(app, () => browser.post('/guarded/rotate'));
    const signedOut = await costOf(app, () => browser.post('/logout'));
    expect([rotated.statements, signedOut.statements]).toEqual([3, 2]);
  });

  it('has a cookie cleared whose row is gone, and never takes its id over', async () => {
    const { app } = bench;
    app.on('write', ({ session }) => session.set('a', 1));
    const { token, id } = app.sessions.prepare();
    const reader = app.browser();
    reader.cookies.set(COOKIE, token);
    expect(sessionHeaders(await reader.get('/who'))).toEqual({ ...READ, cookies: [CLEARED] });
    expect(reader.cookies.size).toBe(0);

    const writer = app.browser();
    writer.cookies.set(COOKIE, token);
    await writer.post('/public/write');
    expect(tokenOf(writer)).not.toBe(token);
    expect(await app.sessions.find(id)).toBeUndefined();
  });

  it.each([
    ['idle', minutes(30)],
    ['absolute', hours(12)],
  ])('is over at its %s deadline, and says why', async (expiry, afterMs) => {
    const { app } = bench;
    const browser = await app.signedIn('ada');
    app.clock.advance(afterMs);
    const answer = await browser.get('/me');
    expect(answer.status).toBe(401);
    expect(answer.body).toEqual({
      statusCode: 401,
      error: 'Unauthorized',
      code: 'SESSION_REQUIRED',
      reason: 'expired',
      expiry,
    });
    expect(sessionHeaders(answer)).toEqual({ ...READ, cookies: [CLEARED] });
  });

  it('is good until its deadline, and each request moves the idle one', async () => {
    const { app } = bench;
    const browser = await app.signedIn('ada');
    app.clock.advance(minutes(30) - 1);
    expect((await browser.get('/me')).status).toBe(200);
    await app.sessions.flushTouches();
    app.clock.advance(minutes(29));
    expect((await browser.get('/me')).status).toBe(200);
  });

  it.each([
    ['GET', '/poll', {}],
    ['HEAD', '/me', {}],
    ['GET', '/me', { 'sec-purpose': 'prefetch;prerender' }],
    ['GET', '/me', { purpose: 'prefetch' }],
  ])('is not kept alive by %s %s %j', async (method, path, headers) => {
    const { app } = bench;
    const browser = await app.signedIn('ada');
    app.clock.advance(minutes(20));
    expect((await browser.send(method, path, undefined, headers)).status).toBe(200);
    await app.sessions.flushTouches();
    app.clock.advance(minutes(10));
    expect((await browser.get('/me')).body).toMatchObject({ expiry: 'idle' });
  });

  it('has the cookie outlive the browser where the policy says so, for as long as it lives itself', async () => {
    const { app } = bench;
    app.on('remember', ({ session }) => session.signIn('ada', { persistent: true }));
    const answer = await app.browser().post('/public/remember');
    expect(answer.headers.getSetCookie()[0]).toContain(`; Max-Age=${hours(12) / 1000};`);
  });

  it('sends the cookie again where a request changed how long it lives', async () => {
    const { app } = bench;
    app.on('remember', ({ session }) => session.signIn('ada', { persistent: true }));
    app.on('shorten', ({ session }) => {
      session.expireAt(new Date(app.clock.now() + minutes(5)));
    });
    app.on('forget', ({ session }) => session.expireOnBrowserClose());
    app.on('quieten', ({ session }) => session.expireAfter(minutes(20)));
    const browser = app.browser();
    await browser.post('/public/remember');
    const token = tokenOf(browser);
    const shortened = await browser.post('/guarded/shorten');
    expect(shortened.headers.getSetCookie()[0]).toContain(`${token}; Max-Age=300;`);
    expect((await browser.post('/guarded/quieten')).headers.getSetCookie()).toEqual([]);
    const forgotten = await browser.post('/guarded/forget');
    expect(forgotten.headers.getSetCookie()[0]).not.toContain('Max-Age');
    expect((await browser.get('/me')).status).toBe(200);
    app.clock.advance(minutes(5));
    expect((await browser.get('/me')).body).toMatchObject({ expiry: 'absolute' });
  });

  describe('refuses without a query and without clearing anything', () => {
    const good = (): string => bench.app.sessions.prepare().token;
    it.each([
      ['an empty cookie', () => ''],
      ['a forged token', () => 'A'.repeat(82)],
      ['a truncated token', () => good().slice(0, -1)],
      ['a token and one more character', () => `${good()}A`],
      ['an oversized token', () => good().repeat(40)],
      ['a flipped character', () => good().replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'))],
      ['a quoted token', () => `"${good()}"`],
      ['a percent-encoded token', () => `%41${good().slice(1)}`],
      ['a parsed object of cookie-parser', () => 'j:{"$ne":1}'],
      ['an injection', () => `' or 1=1 --`],
      ['two tokens', () => `${good()}; ${COOKIE}=${good()}`],
      ['a good token beside an empty one', () => `${good()}; ${COOKIE}=`],
    ])('%s', async (_, value) => {
      const { app } = bench;
      const headers = ['Cookie', `${COOKIE}=${value()}`];
      const seen: { status: number; body: unknown; cookies: unknown }[] = [];
      const cost = await costOf(app, async () => {
        const answer = await rawRequest(app.origin, 'GET', '/me', headers);
        const cookies = answer.headers['set-cookie'];
        seen.push({ status: answer.status, body: JSON.parse(answer.body), cookies });
      });
      expect(cost).toEqual({ statements: 0, rows: 0 });
      expect(seen).toEqual([
        {
          status: 401,
          body: {
            statusCode: 401,
            error: 'Unauthorized',
            code: 'SESSION_REQUIRED',
            reason: 'malformed',
          },
          cookies: undefined,
        },
      ]);
    });

    it.each([
      ['no cookie', []],
      ['the name in another case', ['Cookie', `__HOST-HTTP-ID=${'A'.repeat(82)}`]],
      ['a token in the query', []],
      ['a bearer token', ['Authorization', `Bearer ${'A'.repeat(82)}`]],
    ])('%s: absent', async (title, headers) => {
      const path = title.includes('query') ? `/me?token=${good()}&${COOKIE}=${good()}` : '/me';
      const answer = await rawRequest(bench.app.origin, 'GET', path, headers);
      expect([answer.status, JSON.parse(answer.body)]).toMatchObject([401, { reason: 'absent' }]);
    });
  });
});
