import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WsAdapter } from '@nestjs/platform-ws';
import { minutes, seconds } from 'nestjs-curfew';

import { answered, cookieOf, describeGateway, refused } from '../support/gateway-app.js';
import { COOKIE, type HttpApp } from '../support/http-app.js';

await describeGateway('the handshake of a socket', (bench) => {
  describe('looks at the origin of the handshake', () => {
    it.each(['https://evil.example.org', 'null'])('and refuses %s', async (origin) => {
      const socket = await bench.openAs(bench.ada, { origin });
      const refusal = [
        { event: 'exception', data: expect.objectContaining({ code: 'SESSION_CROSS_ORIGIN' }) },
      ];
      expect(await socket.ask('me')).toEqual(refusal);
      expect(await socket.ask('who')).toEqual(refusal);
    });

    it('and refuses what the browser says comes from another site', async () => {
      const socket = await bench.openAs(bench.ada, { 'sec-fetch-site': 'cross-site' });
      expect(await socket.ask('me')).toMatchObject([
        { event: 'exception', data: { code: 'SESSION_CROSS_ORIGIN' } },
      ]);
    });

    it('and takes its own, with TLS at a proxy or without, and a trusted one', async () => {
      const { host } = new URL(bench.app.origin);
      for (const origin of [bench.app.origin, `https://${host}`, 'https://app.example.org']) {
        expect(await (await bench.openAs(bench.ada, { origin })).ask('me')).toEqual(
          answered('ada'),
        );
      }
    });

    it('and refuses plain HTTP where a proxy says that it ended TLS', async () => {
      const socket = await bench.openAs(bench.ada, {
        origin: bench.app.origin,
        'x-forwarded-proto': 'https, http',
      });
      expect(await socket.ask('me')).toMatchObject([
        { event: 'exception', data: { code: 'SESSION_CROSS_ORIGIN' } },
      ]);
    });
  });

  describe('while the browser is given new tokens', () => {
    async function rotatePeriodically(app: HttpApp = bench.app): Promise<void> {
      const browser = app.browser();
      browser.cookies.set(COOKIE, bench.ada.cookies.get(COOKIE) ?? '');
      const before = cookieOf(bench.ada);
      for (const { clock } of new Set([app, bench.app])) clock.advance(minutes(10));
      await browser.get('/me');
      await app.sessions.flushTouches();
      bench.ada.cookies.set(COOKIE, browser.cookies.get(COOKIE) ?? '');
      expect(cookieOf(bench.ada)).not.toBe(before);
      for (const { clock } of new Set([app, bench.app])) clock.advance(seconds(31));
    }

    it('follows periodic rotations', async () => {
      const socket = await bench.openAs(bench.ada);
      expect(await socket.ask('me')).toEqual(answered('ada'));
      for (const _ of [1, 2, 3]) {
        await rotatePeriodically();
        expect(await socket.ask('me')).toEqual(answered('ada'));
      }
      expect((await bench.ada.get('/me')).status).toBe(200);
    });

    it('asks to connect again where it missed a rotation, and takes that for no theft', async () => {
      // A process that this one does not hear: there is no channel between them.
      const other = await bench.start({ options: { rotationIntervalMs: minutes(10) } });
      try {
        other.clock.set(bench.app.clock.now());
        const socket = await bench.openAs(bench.ada);
        expect(await socket.ask('me')).toEqual(answered('ada'));
        await rotatePeriodically(other);
        await rotatePeriodically(other);
        const refusal = refused('SESSION_REQUIRED', { reason: 'superseded' });
        expect(await socket.ask('me')).toEqual(refusal);
        expect((await bench.ada.get('/me')).status).toBe(200);
      } finally {
        await other.close();
      }
    });

    it('refuses a token that was old when the socket was opened, as a theft', async () => {
      const headers = { cookie: cookieOf(bench.ada) };
      await rotatePeriodically();
      const thief = await bench.open({ headers });
      expect(await thief.closed).toMatchObject({ reason: 'token-reused' });
      expect((await bench.ada.get('/me')).body).toMatchObject({ revokeReason: 'token-reused' });
    });

    it('asks to connect again after a step-up', async () => {
      bench.app.on('step-up', ({ session }) => session.stepUp({ aal: 2 }));
      const socket = await bench.openAs(bench.ada);
      expect(await socket.ask('me')).toEqual(answered('ada'));
      await bench.ada.post('/guarded/step-up');
      expect(await socket.closed).toMatchObject({ reason: 'superseded' });
      expect(await (await bench.openAs(bench.ada)).ask('me')).toEqual(answered('ada'));
    });
  });

  describe('with bearer tokens', () => {
    let bearer: HttpApp;

    beforeAll(async () => {
      bearer = await bench.start({ options: { carrier: 'bearer' } });
    });

    afterAll(() => bearer?.close());

    it('reads the Authorization header, from any origin, and no cookie', async () => {
      const { token } = await bearer.sessions.issue({ userId: 'ada' });
      const origin = 'https://elsewhere.example.org';
      const authorization = `Bearer ${token}`;
      const socket = await bench.open({ headers: { origin, authorization } }, bearer);
      expect(await socket.ask('me')).toEqual(answered('ada'));
      const other = await bench.open({ headers: { cookie: `${COOKIE}=${token}` } }, bearer);
      expect(await other.ask('me')).toEqual(refused('SESSION_REQUIRED', { reason: 'absent' }));
    });

    if (bench.kind === 'socket.io') {
      it('reads `auth.token`, unless the header says otherwise', async () => {
        const { token } = await bearer.sessions.issue({ userId: 'ada' });
        const socket = await bench.open({ auth: { token } }, bearer);
        expect(await socket.ask('me')).toEqual(answered('ada'));
        const authorization = 'Bearer other';
        for (const handshake of [
          { auth: { token: { not: 'text' } } },
          { auth: { token }, headers: { authorization } },
        ]) {
          expect(await (await bench.open(handshake, bearer)).ask('me')).toEqual(
            refused('SESSION_REQUIRED', { reason: 'malformed' }),
          );
        }
      });
    }
  });

  if (bench.kind === 'ws') {
    it('is unknown where nobody kept it: all is refused but @SkipSession()', async () => {
      const app = await bench.start({
        prepare: (nest) => nest.useWebSocketAdapter(new WsAdapter(nest)),
      });
      try {
        const socket = await bench.open({}, app);
        expect(await socket.ask('who')).toEqual(refused('SESSION_CONTEXT_MISSING'));
        expect(await socket.ask('skipped', 'text')).toEqual(answered('text'));
      } finally {
        await app.close();
      }
    });
  }
});
