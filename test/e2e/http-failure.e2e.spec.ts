import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  BadRequestException,
  HttpException,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import type { RequestSession } from 'nestjs-curfew';

import type { Answer, Browser } from '../support/browser.js';
import { describeHttp } from '../support/describe-http.js';
import { COOKIE } from '../support/http-app.js';
import { rawRequest } from '../support/raw-request.js';
import type { ScriptedResponse } from '../support/scripted-routes.js';
import { failStore } from '../support/store-outage.js';

const UNAVAILABLE = {
  statusCode: 503,
  error: 'Service Unavailable',
  code: 'SESSION_STORE_UNAVAILABLE',
  reason: 'store_unavailable',
};

const ENDED = {
  statusCode: 401,
  error: 'Unauthorized',
  code: 'SESSION_ENDED',
  reason: 'ended',
};

/** Fails unless the answer says that the store is down, and nothing more. */
function expectOutage(answer: Answer): void {
  expect(answer.status).toBe(503);
  expect(answer.body).toEqual(UNAVAILABLE);
  expect(answer.headers.get('retry-after')).toBe('1');
  expect(answer.headers.getSetCookie()).toEqual([]);
}

await describeHttp('failing requests', (bench) => {
  describe('keep nothing', () => {
    it.each([
      ['an error', () => new Error('no')],
      ['an exception of 500', () => new HttpException('no', 500)],
      ['an exception of 400', () => new BadRequestException()],
    ])('where the handler throws %s', async (_, make) => {
      const { app } = bench;
      app.on('write-and-throw', ({ session }) => {
        session.set('a', 1);
        session.signIn('ada');
        throw make();
      });
      const before = await app.rowCount();
      const answer = await app.browser().post('/public/write-and-throw');
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.headers.getSetCookie()).toEqual([]);
      expect(await app.rowCount()).toBe(before);
    });

    it.each([
      ['public', 500],
      ['public', 503],
      ['own', 500],
    ])('where the answer of %s is %d', async (route, status) => {
      const { app } = bench;
      app.on('write-and-answer', ({ session, response }) => {
        session.set('a', 1);
        response.status(status);
        if (route === 'own') response.send('failed');
      });
      const before = await app.rowCount();
      const answer = await app.browser().post(`/${route}/write-and-answer`);
      expect(answer.status).toBe(status);
      expect(answer.headers.getSetCookie()).toEqual([]);
      expect(await app.rowCount()).toBe(before);
    });

    it('of the session that was there: it goes on as it was', async () => {
      const { app } = bench;
      app.on('change-and-throw', ({ session }) => {
        session.set('a', 1);
        session.rotate();
        throw new Error('no');
      });
      app.on('read', ({ session }) => ({ ...session.data }));
      const browser = await app.signedIn('ada');
      await browser.post('/guarded/change-and-throw');
      expect((await browser.get('/guarded/read')).body).toEqual({});
    });

    it('but what save() stored before, with its cookie', async () => {
      const { app } = bench;
      app.on('save-and-throw', async ({ session }) => {
        session.signIn('ada');
        await session.save();
        throw new Error('afterwards');
      });
      const browser = app.browser();
      expect((await browser.post('/public/save-and-throw')).status).toBe(500);
      expect((await browser.get('/me')).body).toEqual({ userId: 'ada' });
    });
  });

  it.each([
    ['public', 204],
    ['public', 404],
    ['public', 422],
    ['own', 404],
  ])('keep what was written where the answer of %s is %d', async (route, status) => {
    const { app } = bench;
    app.on('write-and-answer', ({ session, response }) => {
      session.set('a', status);
      response.status(status);
      if (route === 'own') response.send('');
    });
    app.on('read', ({ session }) => ({ ...session.data }));
    const browser = app.browser();
    expect((await browser.post(`/${route}/write-and-answer`)).status).toBe(status);
    expect((await browser.get('/public/read')).body).toEqual({ a: status });
  });

  describe('with the store down', () => {
    let browser: Browser;
    let restore: () => void = () => {};

    beforeEach(async () => {
      browser = await bench.app.signedIn('ada');
      restore = failStore(bench.app.store);
    });

    afterEach(() => restore());

    it('say so on guarded routes, and leave the cookie alone', async () => {
      expectOutage(await browser.get('/me'));
      expect(browser.cookies.has(COOKIE)).toBe(true);
    });

    it('say so on public routes that look', async () => {
      expectOutage(await browser.get('/who'));
    });

    it('are refused as ever where there is nothing to look up', async () => {
      const answer = await bench.app.browser().get('/me');
      expect([answer.status, answer.body]).toMatchObject([401, { reason: 'absent' }]);
    });

    it('do not happen on routes that do not look', async () => {
      expect((await browser.get('/untouched')).status).toBe(200);
      expect((await browser.get('/skipped')).status).toBe(200);
      expect((await bench.app.browser().get('/who')).status).toBe(200);
    });

    it('say so where a sign-in cannot be stored', async () => {
      const visitor = bench.app.browser();
      expectOutage(await visitor.post('/login', { userId: 'ada' }));
      expect(visitor.cookies.size).toBe(0);
    });

    it('recover with the store', async () => {
      await browser.get('/me');
      restore();
      expect((await browser.get('/me')).status).toBe(200);
    });
  });

  it.each(['guarded', 'own'])('say so where the store fails at the commit of %s', async (route) => {
    const { app } = bench;
    let restore: () => void = () => {};
    app.on('write', ({ session, response }) => {
      session.set('a', 1);
      restore = failStore(app.store);
      if (route === 'own') response.send('stored');
    });
    const browser = await app.signedIn('ada');
    expectOutage(await browser.post(`/${route}/write`));
    restore();
    expect((await browser.get('/me')).status).toBe(200);
  });

  it('say so where the store fails while a session is ended, which is then not ended', async () => {
    const { app } = bench;
    const browser = await app.signedIn('ada');
    const restore = failStore(app.store, ['revoke']);
    expectOutage(await browser.post('/logout'));
    restore();
    expect((await browser.get('/me')).status).toBe(200);
  });

  it('say so where a handler calls a service that cannot reach the store', async () => {
    const { app } = bench;
    app.on('list', async () => {
      const restore = failStore(app.store, ['find']);
      await app.sessions.find('01890000-0000-7000-8000-000000000000').finally(restore);
    });
    const browser = await app.signedIn('ada');
    expectOutage(await browser.get('/guarded/list'));
  });

  it.each(['guarded', 'own'])('are 401 where the session ends while %s runs', async (route) => {
    const { app } = bench;
    app.on('end-and-write', async ({ session, response }) => {
      await app.sessions.revoke(session.id ?? '');
      session.set('a', 1);
      if (route === 'own') response.send('stored');
    });
    const browser = await app.signedIn('ada');
    const answer = await browser.post(`/${route}/end-and-write`);
    expect([answer.status, answer.body]).toEqual([401, ENDED]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(browser.cookies.size).toBe(0);
  });

  it('are 401 where the session ends that the request itself began, and begin no other', async () => {
    const { app } = bench;
    app.on('sign-in-and-lose-it', async ({ session }) => {
      session.signIn('short-lived');
      await session.save();
      await app.sessions.revoke(session.id ?? '');
      session.set('a', 1);
    });
    const browser = app.browser();
    const answer = await browser.post('/public/sign-in-and-lose-it');
    expect([answer.status, answer.body]).toEqual([401, ENDED]);
    expect(browser.cookies.size).toBe(0);
  });

  it('are 200 where the session ends while a handler runs that only reads', async () => {
    const { app } = bench;
    app.on('end', async ({ session }) => {
      await app.sessions.revoke(session.id ?? '');
      return { ...session.data };
    });
    const browser = await app.signedIn('ada');
    expect((await browser.get('/guarded/end')).status).toBe(200);
  });

  it('do not clear the cookie where a sign-in replaced the session meanwhile', async () => {
    const { app } = bench;
    app.on('write-late', async ({ session }) => {
      await app.sessions.revoke(session.id ?? '', { reason: 'replaced' });
      session.set('a', 1);
    });
    const browser = await app.signedIn('ada');
    const answer = await browser.post('/guarded/write-late');
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([401, []]);
  });

  it.each([
    ['a value that is no JSON', 500, 'SESSION_DATA_NOT_JSON', { when: new Date(0) }],
    ['a key that cannot be stored', 500, 'SESSION_DATA_KEY_REFUSED', { '"': 1 }],
    ['too much data', 413, 'SESSION_DATA_TOO_LARGE', { text: 'x'.repeat(70_000) }],
  ])('tell the code of %s, and nothing else', async (_, status, code, data) => {
    const { app } = bench;
    app.on('write', ({ session }) => void Object.assign(session.data, data));
    const answer = await app.browser().post('/public/write');
    expect(answer.status).toBe(status);
    const reason = status === 413 ? { reason: 'data_too_large' } : {};
    expect(answer.body).toEqual({ statusCode: status, error: expect.any(String), code, ...reason });
  });

  it.each([
    ['a body that is no JSON', 'application/json', '{"userId":', 400],
    ['a body of an unknown type', 'application/x-unknown', 'x', undefined],
    ['a content type that is none', ';;', 'x', undefined],
  ])('refuse %s before anything is looked up', async (_, type, text, status) => {
    const { app } = bench;
    app.on('write', ({ session }) => session.set('a', 1));
    const answer = await rawRequest(
      app.origin,
      'POST',
      '/guarded/write',
      ['Content-Type', type, 'Content-Length', String(text.length)],
      text,
    );
    expect(answer.status).toBe(status ?? answer.status);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
  });

  it.each([
    '/%6de',
    '//me',
    '/me/',
    '/ME',
    '/./me',
    '/x/../me',
    '/me;x=1',
    '/me?public=1',
    '/me%20',
    '/%2e/me',
    '/me#',
  ])('let nobody in by another spelling of a guarded path (%s)', async (path) => {
    const { status } = await rawRequest(bench.app.origin, 'GET', path);
    expect([401, 400, 404]).toContain(status);
  });
});

/** Answers every exception with a redirect, after noting something for the next page. */
class FlashFilter implements ExceptionFilter {
  async catch(exception: unknown, host: ArgumentsHost): Promise<void> {
    const request = host.switchToHttp().getRequest<{ session?: RequestSession }>();
    const response = host.switchToHttp().getResponse<ScriptedResponse>();
    await request.session?.load();
    request.session?.set('flash', exception instanceof HttpException ? exception.getStatus() : 500);
    response.status(302).redirect('/elsewhere');
  }
}

await describeHttp(
  'a filter of the application',
  (bench) => {
    it('may use the session of a failed request, and its answer carries the headers', async () => {
      const { app } = bench;
      app.on('read', ({ session }) => ({ ...session.data }));
      app.on('write-and-throw', ({ session }) => {
        session.set('a', 1);
        throw new BadRequestException();
      });
      const browser = app.browser();
      const answer = await browser.post('/public/write-and-throw');
      expect(answer.status).toBe(302);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect((await browser.get('/public/read')).body).toEqual({ flash: 400 });
      const refused = await browser.get('/me');
      expect(refused.status).toBe(302);
      expect(refused.headers.get('vary')).toMatch(/\bCookie$/);
      expect((await browser.get('/public/read')).body).toEqual({ flash: 401 });
    });
  },
  { providers: [{ provide: APP_FILTER, useClass: FlashFilter }] },
  ['sqlite'],
);
