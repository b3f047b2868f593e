import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';

import type { Browser } from '../support/browser.js';
import { expectOutage } from '../support/expect-outage.js';
import { PrivatePostgres } from '../support/private-postgres.js';
import { startReferenceApp, type ReferenceApp } from '../support/reference-app.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const postgres = await PrivatePostgres.start();

// `PrivatePostgres` says so where there is none.
(postgres === undefined ? describe.skip : describe)('the reference app', () => {
  const server = postgres as PrivatePostgres;
  let proxy: TcpProxy;
  let app: ReferenceApp;
  let ada: Browser;

  beforeAll(async () => {
    proxy = await TcpProxy.start(server.url);
    app = await startReferenceApp(proxy.through(server.url));
    ada = await app.signedIn();
  });

  afterEach(() => server.thaw());

  afterAll(async () => {
    await app?.close();
    await proxy?.close();
  });

  async function restart(): Promise<void> {
    await server.restart();
    proxy.retarget(server.url);
  }

  it('answers 503 while every process of the server is stopped, and goes on with it', async () => {
    await server.freeze();
    await expectOutage(app, ada);
    server.thaw();
    expect((await ada.get('/me')).status).toBe(200);
  });

  it('answers 503 while the server is gone, and knows its sessions when it is back', async () => {
    await server.kill();
    await expectOutage(app, ada);
    await restart();
    expect((await ada.get('/me')).status).toBe(200);
  });

  it.each(['before-it-arrives', 'before-its-answer'] as const)(
    'signs out once and for all where the server dies with the commit, %s',
    async (when) => {
      const browser = await app.signedIn();
      const cut = proxy.cutOn('revoked_at" = (', when).then(() => server.kill());
      const answer = await browser.post('/auth/logout');
      await cut;
      await restart();

      expect([answer.status, answer.headers.getSetCookie()]).toEqual([503, []]);
      const isLive = when === 'before-it-arrives';
      expect((await browser.get('/me')).status).toBe(isLive ? 200 : 401);
      await browser.post('/auth/logout');
      expect((await browser.get('/me')).status).toBe(401);
    },
  );
});
