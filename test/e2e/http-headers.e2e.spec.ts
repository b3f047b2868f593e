import { Readable } from 'node:stream';

import { beforeAll, describe, expect, it } from '@jest/globals';
import { ForbiddenException, StreamableFile } from '@nestjs/common';

import type { Answer, Browser } from '../support/browser.js';
import { describeHttp } from '../support/describe-http.js';
import { COOKIE, type HttpApp } from '../support/http-app.js';
import type { Script } from '../support/scripted-routes.js';

interface NodeResponse {
  writeHead(status: number, headers?: unknown): void;
  write(chunk: string): void;
  end(chunk?: string): void;
  setHeader(name: string, value: string): void;
}

/** Node's response, below Express's or Fastify's. */
function nodeResponse({ response }: Parameters<Script>[0]): NodeResponse {
  response.hijack?.();
  return (response.raw ?? response) as NodeResponse;
}

/** Every way that a handler has to answer, by the kind of route it needs. */
const ANSWERS: readonly [name: string, route: 'public' | 'own', script: Script, status?: number][] =
  [
    ['a value', 'public', () => ({ ok: true })],
    ['nothing', 'public', () => undefined],
    ['a promise', 'public', () => Promise.resolve('text')],
    ['a stream', 'public', () => new StreamableFile(Readable.from(['bo', 'dy']))],
    [
      'an async generator',
      'public',
      async function* () {
        yield 'bo';
        yield 'dy';
      },
    ],
    [
      'a web Response',
      'public',
      () => new Response('body', { headers: { 'cache-control': 'public' } }),
    ],
    ['an exception', 'public', () => Promise.reject(new ForbiddenException()), 403],
    ['an error', 'public', () => Promise.reject(new Error('no')), 500],
    [
      'a public answer',
      'public',
      ({ response }) => void response.header('Cache-Control', 'public, max-age=60'),
    ],
    ['a conditional answer', 'public', ({ response }) => void response.status(304), 304],
    ['send', 'own', ({ response }) => void response.send('body')],
    ['a redirect', 'own', ({ response }) => void response.status(302).redirect('/elsewhere'), 302],
    [
      'a late send',
      'own',
      async ({ response }) => {
        await new Promise(setImmediate);
        response.send('body');
      },
    ],
    [
      'writeHead',
      'own',
      (call) => {
        nodeResponse(call).writeHead(200, { 'Cache-Control': 'public' });
        nodeResponse(call).end('body');
      },
    ],
    [
      'writeHead with an array',
      'own',
      (call) => {
        nodeResponse(call).writeHead(200, ['Cache-Control', 'public', 'Set-Cookie', 'theme=dark']);
        nodeResponse(call).end('body');
      },
    ],
    [
      'write and end',
      'own',
      (call) => {
        nodeResponse(call).write('bo');
        nodeResponse(call).end('dy');
      },
    ],
    [
      'a pipe',
      'own',
      (call) => {
        const target = nodeResponse(call) as unknown as NodeJS.WritableStream;
        Readable.from(['bo', 'dy']).pipe(target);
      },
    ],
  ];

function expectNoStore({ headers }: Answer): void {
  expect(headers.get('cache-control')).toContain('no-store');
  expect(headers.get('cache-control')).not.toContain('public');
  expect(headers.get('vary')?.split(/,\s*/)).toContain('Cookie');
}

async function visitor(app: HttpApp): Promise<Browser> {
  app.on('begin', ({ session }) => session.set('begun', true));
  const browser = app.browser();
  await browser.post('/public/begin');
  return browser;
}

await describeHttp('answers', (bench) => {
  beforeAll(() => bench.app.on('read', ({ session }) => ({ ...session.data })));

  describe.each(ANSWERS)('as %s', (_, route, script, status = 200) => {
    it('of a session that was read may not be stored, whatever the handler says', async () => {
      const { app } = bench;
      const browser = await visitor(app);
      app.on('answer', script);
      const answer = await browser.get(`/${route}/answer`);
      expect(answer.status).toBe(status);
      expectNoStore(answer);
      expect(answer.headers.getSetCookie().filter((line) => line.startsWith(COOKIE))).toEqual([]);
    });

    if (status >= 400) return;

    it('carry the cookie of a sign-in, which is stored by then', async () => {
      const { app } = bench;
      app.on('sign-in', (call) => {
        call.session.signIn('ada');
        return script(call);
      });
      const browser = await visitor(app);
      const answer = await browser.get(`/${route}/sign-in`);
      expect(answer.status).toBe(status);
      expectNoStore(answer);
      const lines = answer.headers.getSetCookie().filter((line) => line.startsWith(COOKIE));
      expect(lines).toHaveLength(1);
      expect((await browser.get('/me')).body).toEqual({ userId: 'ada' });
    });

    it('carry the removal of the cookie after a sign-out', async () => {
      const { app } = bench;
      app.on('sign-out', async (call) => {
        await call.session.signOut();
        return script(call);
      });
      const browser = await app.signedIn('ada');
      const answer = await browser.get(`/${route}/sign-out`);
      expectNoStore(answer);
      expect(browser.cookies.has(COOKIE)).toBe(false);
    });

    it('come after what was written is stored', async () => {
      const { app } = bench;
      app.on('write', (call) => {
        call.session.set('written', true);
        return script(call);
      });
      const browser = await visitor(app);
      await browser.get(`/${route}/write`);
      expect((await browser.get('/public/read')).body).toEqual({ begun: true, written: true });
    });
  });

  it('keep the body that was sent while they wait for the commit', async () => {
    const { app } = bench;
    app.on('write-and-send', ({ session, response }) => {
      session.set('a', 1);
      response.status(202).header('X-Own', 'yes').send('body');
    });
    const answer = await app.browser().post('/own/write-and-send');
    expect([answer.status, answer.body, answer.headers.get('x-own')]).toEqual([202, 'body', 'yes']);
  });

  it('of @Redirect() carry the cookie', async () => {
    const browser = bench.app.browser();
    const answer = await browser.get('/redirect');
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/elsewhere']);
    expectNoStore(answer);
    expect((await browser.get('/public/read')).body).toEqual({ redirected: true });
  });

  it('of @Sse() carry the cookie before the first event', async () => {
    const browser = bench.app.browser();
    const answer = await browser.get('/events');
    expectNoStore(answer);
    expect(answer.body).toContain('data: two');
    expect((await browser.get('/public/read')).body).toEqual({ streamed: true });
  });

  it('to HEAD carry the headers and no new token', async () => {
    const browser = await visitor(bench.app);
    const answer = await browser.request('HEAD', '/who');
    expectNoStore(answer);
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  it('keep the cookies of the application', async () => {
    const { app } = bench;
    app.on('themed', ({ session, response }) => {
      session.set('a', 1);
      response.header('Set-Cookie', 'theme=dark');
    });
    const answer = await app.browser().post('/public/themed');
    expect(answer.headers.getSetCookie().map((line) => line.split('=')[0])).toEqual([
      'theme',
      COOKIE,
    ]);
  });

  it('add to the Vary of the handler, and let caches keep what has no session', async () => {
    const answer = await bench.app.browser().get('/cached');
    expect(answer.headers.get('cache-control')).toBe('public, max-age=60');
    expect(answer.headers.get('vary')).toBe('Accept-Language, Cookie');
    expectNoStore(await (await visitor(bench.app)).get('/cached'));
  });

  it('of refusals may not be stored, token or none', async () => {
    expectNoStore(await bench.app.browser().get('/me'));
    expectNoStore(await (await visitor(bench.app)).get('/me'));
  });

  it('refuse a sign-in after the first byte, and store nothing', async () => {
    const { app } = bench;
    app.on('too-late', async (call) => {
      const response = nodeResponse(call);
      response.write('first byte');
      call.session.signIn('late');
      const error: unknown = await call.session.save().catch((reason: unknown) => reason);
      response.end(` ${(error as { code: string }).code}`);
    });
    const answer = await app.browser().get('/own/too-late');
    expect(answer.body).toBe('first byte SESSION_RESPONSE_SENT');
    expect((await app.sessions.list('late')).sessions).toEqual([]);
  });
});
