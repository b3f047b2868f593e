import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { getRepositoryToken } from '@nestjs/typeorm';
import { hash } from 'argon2';
import { SessionEntity } from 'nestjs-curfew';
import { DataSource, type Repository } from 'typeorm';

import { readSettings } from '../../src/config.js';
import { migrate } from '../../src/data-source.js';
import { User } from '../../src/users/user.entity.js';
import { createWeb, listen } from '../../src/web.js';
import { Browser } from '../support/browser.js';
import { databaseUrlOf } from '../support/database-url.js';
import { describeEachDatabase } from '../support/databases.js';

const PASSWORD = 'correct horse battery';
const FIREFOX_ON_ANDROID = 'Mozilla/5.0 (Android 15; Mobile; rv:142.0) Gecko/142.0 Firefox/142.0';
const UNKNOWN_ID = '01890000-0000-7000-8000-000000000000';

interface Devices {
  readonly sessions: readonly {
    readonly id: string;
    readonly current: boolean;
    readonly userAgent: string;
    readonly label: string;
  }[];
  readonly cursor: string | null;
}

await describeEachDatabase('the reference app', (database) => {
  beforeAll(async () => {
    await migrate(databaseUrlOf(database.options()));
  });

  describe.each(['express', 'fastify'])('with %s', (httpAdapter) => {
    let app: INestApplication;
    let origin: string;
    let rows: Repository<SessionEntity>;
    let userCount = 0;
    let email: string;

    beforeAll(async () => {
      const settings = readSettings({
        DATABASE_URL: databaseUrlOf(database.options()),
        HOST: '127.0.0.1',
        HTTP_ADAPTER: httpAdapter,
        PORT: '0',
        SESSION_COOKIE_SECURE: 'false',
        SESSION_JOBS: 'none',
        SESSION_SECRET: 'a secret of at least thirty-two bytes',
      });
      app = await createWeb(settings);
      origin = await listen(app, settings);
      rows = app.get<Repository<SessionEntity>>(getRepositoryToken(SessionEntity));
    });

    afterAll(async () => {
      await app?.close();
    });

    beforeEach(() => {
      userCount += 1;
      email = `user-${userCount}@${httpAdapter}.example`;
    });

    const newBrowser = (name?: string): Browser => new Browser(origin, name);

    async function signedIn(name?: string): Promise<Browser> {
      const browser = newBrowser(name);
      await browser.post('/auth/register', { email, password: PASSWORD });
      const { status } = await browser.post('/auth/login', { email, password: PASSWORD });
      expect(status).toBe(200);
      return browser;
    }

    const devicesOf = async (browser: Browser): Promise<Devices> =>
      (await browser.get('/sessions')).body as Devices;

    it('registers a user and signs them in', async () => {
      const browser = newBrowser();

      const registered = await browser.post('/auth/register', { email, password: PASSWORD });
      expect(registered.status).toBe(201);
      expect(registered.body).toEqual({ user: { id: expect.any(String), email } });
      expect((await browser.get('/me')).status).toBe(401);

      const { status, body } = await browser.post('/auth/login', { email, password: PASSWORD });
      expect(status).toBe(200);
      expect(body).toMatchObject({
        user: { email },
        session: { id: expect.any(String), expiresAt: expect.any(Number) },
      });
      expect((await browser.get('/me')).body).toMatchObject(body as object);
    });

    it('reads an address in any case, and registers it once', async () => {
      await signedIn();
      const again = { email: email.toUpperCase(), password: PASSWORD };
      expect((await newBrowser().post('/auth/register', again)).status).toBe(409);
      expect((await newBrowser().post('/auth/login', again)).status).toBe(200);
    });

    it('registers an address once when two ask at the same time', async () => {
      const register = async (): Promise<number> =>
        (await newBrowser().post('/auth/register', { email, password: PASSWORD })).status;
      const statuses = await Promise.all([register(), register()]);
      expect(statuses.toSorted()).toEqual([201, 409]);
    });

    it('tells nothing about which of address and password is wrong', async () => {
      await signedIn();
      const browser = newBrowser();
      const wrongPassword = await browser.post('/auth/login', { email, password: 'wrong' });
      const nobody = { email: `nobody-${email}`, password: PASSWORD };
      const wrongAddress = await browser.post('/auth/login', nobody);
      expect(wrongPassword.status).toBe(401);
      expect(wrongAddress.status).toBe(401);
      expect(wrongAddress.body).toEqual(wrongPassword.body);
      expect(browser.cookies.size).toBe(0);
    });

    it('shows where a user is signed in, and which of these they are using', async () => {
      const laptop = await signedIn('laptop');
      const phone = await signedIn(FIREFOX_ON_ANDROID);
      const { sessions } = await devicesOf(phone);
      expect(sessions.map(({ userAgent, label, current }) => [userAgent, label, current])).toEqual([
        ['laptop', 'laptop', false],
        [FIREFOX_ON_ANDROID, 'Firefox on Android', true],
      ]);
      expect((await devicesOf(laptop)).sessions.map(({ current }) => current)).toEqual([
        true,
        false,
      ]);
    });

    it('signs the other browsers out when the password changes, and keeps this one', async () => {
      const laptop = await signedIn('laptop');
      const phone = await signedIn('phone');
      const [tokenBefore] = laptop.cookies.values();

      const next = `${PASSWORD}, changed`;
      const { status } = await laptop.post('/auth/password', { current: PASSWORD, next });

      expect(status).toBe(204);
      const [tokenAfter] = laptop.cookies.values();
      expect(tokenAfter).not.toBe(tokenBefore);
      expect((await laptop.get('/me')).status).toBe(200);
      const refused = await phone.get('/me');
      expect(refused.status).toBe(401);
      expect(refused.body).toMatchObject({ reason: 'revoked', revokeReason: 'password-changed' });
      expect((await devicesOf(laptop)).sessions).toHaveLength(1);
      const login = (password: string) => newBrowser().post('/auth/login', { email, password });
      expect((await login(PASSWORD)).status).toBe(401);
      expect((await login(next)).status).toBe(200);
    });

    it('renews a hash of an earlier cost at sign-in, and signs nobody out for it', async () => {
      const laptop = await signedIn();
      const dataSource = app.get(DataSource);
      const outdated = await hash(PASSWORD, { timeCost: 3, memoryCost: 8192, parallelism: 1 });
      await dataSource.query(
        `update users set password_hash = '${outdated}' where email = '${email}'`,
      );

      const { status } = await newBrowser().post('/auth/login', { email, password: PASSWORD });

      expect(status).toBe(200);
      const { passwordHash } = await dataSource.getRepository(User).findOneByOrFail({ email });
      expect(passwordHash).toContain('m=19456,');
      expect((await laptop.get('/me')).status).toBe(200);
      expect((await newBrowser().post('/auth/login', { email, password: PASSWORD })).status).toBe(
        200,
      );
    });

    it('keeps everyone signed in when the current password is wrong', async () => {
      const laptop = await signedIn();
      const phone = await signedIn();
      const body = { current: 'wrong', next: 'another password' };
      expect((await laptop.post('/auth/password', body)).status).toBe(403);
      expect((await phone.get('/me')).status).toBe(200);
    });

    it('signs out for good', async () => {
      const browser = await signedIn();
      const stolen = newBrowser();
      for (const [name, value] of browser.cookies) stolen.cookies.set(name, value);

      expect((await browser.post('/auth/logout')).status).toBe(204);

      expect(browser.cookies.size).toBe(0);
      expect((await browser.get('/me')).status).toBe(401);
      expect((await stolen.get('/me')).body).toMatchObject({
        reason: 'revoked',
        revokeReason: 'signed-out',
      });
    });

    it('ends one of the sessions of a user', async () => {
      const laptop = await signedIn('laptop');
      const phone = await signedIn('phone');
      const { sessions } = await devicesOf(laptop);
      const { id } = sessions.find(({ current }) => !current)!;
      expect((await laptop.delete(`/sessions/${id}`)).status).toBe(204);
      expect((await phone.get('/me')).status).toBe(401);
      expect((await laptop.delete(`/sessions/${id}`)).status).toBe(404);
    });

    it('ends all sessions of a user but this one', async () => {
      const laptop = await signedIn();
      const phone = await signedIn();
      expect((await laptop.post('/sessions/revoke-others')).status).toBe(204);
      expect((await phone.get('/me')).status).toBe(401);
      expect((await devicesOf(laptop)).sessions).toHaveLength(1);
    });

    it("neither shows nor ends another user's session", async () => {
      const victim = await signedIn();
      const { sessions } = await devicesOf(victim);
      email = `thief-of-${email}`;
      const thief = await signedIn();

      for (const id of [sessions[0]!.id, UNKNOWN_ID, 'no-uuid', '%00']) {
        expect([id, (await thief.delete(`/sessions/${id}`)).status]).toEqual([id, 404]);
      }

      expect((await devicesOf(thief)).sessions.map(({ id }) => id)).not.toContain(sessions[0]!.id);
      const continued = await thief.get(`/sessions?cursor=${sessions[0]!.id}`);
      expect(JSON.stringify(continued.body)).not.toContain(sessions[0]!.id);
      expect((await victim.get('/me')).status).toBe(200);
    });

    it('keeps the cart of someone who signs in', async () => {
      const browser = newBrowser();
      expect((await browser.get('/cart')).body).toEqual({ items: {} });
      expect(browser.cookies.size).toBe(0);
      expect((await browser.put('/cart/tea', { quantity: 2 })).body).toEqual({ items: { tea: 2 } });
      const [anonymous] = browser.cookies.values();

      await browser.post('/auth/register', { email, password: PASSWORD });
      await browser.post('/auth/login', { email, password: PASSWORD });

      const [token] = browser.cookies.values();
      expect(token).not.toBe(anonymous);
      expect((await browser.get('/cart')).body).toEqual({ items: { tea: 2 } });
      expect((await browser.delete('/cart/tea')).status).toBe(204);
      expect((await browser.delete('/cart/tea')).status).toBe(404);
      expect((await browser.get('/cart')).body).toEqual({ items: {} });
    });

    it('loses nothing that is put into a cart at the same time', async () => {
      const browser = await signedIn();
      const items = ['tea', 'milk', 'bread', 'jam', 'salt'];
      await Promise.all(items.map((item) => browser.put(`/cart/${item}`, { quantity: 1 })));
      const { body } = await browser.get('/cart');
      expect(Object.keys((body as { items: object }).items).toSorted()).toEqual(items.toSorted());
    });

    it.each(['__proto__', '%22', 'a'.repeat(65), '%00', '..%2Fsessions'])(
      'knows no item of the name %s',
      async (item) => {
        const browser = newBrowser();
        expect((await browser.put(`/cart/${item}`, { quantity: 1 })).status).toBe(404);
        expect((await browser.delete(`/cart/${item}`)).status).toBe(404);
        expect(browser.cookies.size).toBe(0);
      },
    );

    it('takes the name of a method for an item like any other', async () => {
      const browser = newBrowser();
      expect((await browser.delete('/cart/constructor')).status).toBe(404);
      const { body } = await browser.put('/cart/constructor', { quantity: 3 });
      expect(body).toEqual({ items: { constructor: 3 } });
    });

    it.each([
      ['POST', '/auth/register', { email: 'no address', password: PASSWORD }],
      ['POST', '/auth/register', { email: 'a@example.org', password: 'short' }],
      ['POST', '/auth/register', { email: 'a@example.org', password: 'x'.repeat(257) }],
      ['POST', '/auth/register', { email: 'a@example.org', password: PASSWORD, admin: true }],
      ['POST', '/auth/register', { email: ['a@example.org'], password: PASSWORD }],
      ['POST', '/auth/login', { email: 'a@example.org' }],
      ['POST', '/auth/login', { email: 'a@example.org', password: { $ne: '' } }],
      ['POST', '/auth/login', []],
      ['POST', '/auth/login', undefined],
      ['PUT', '/cart/tea', { quantity: 0 }],
      ['PUT', '/cart/tea', { quantity: 1.5 }],
      ['PUT', '/cart/tea', { quantity: '1' }],
      ['PUT', '/cart/tea', {}],
    ])('answers a wrong body with 400: %s %s %j', async (method, path, body) => {
      const { status, body: answer } = await newBrowser().request(method, path, body);
      expect(status).toBe(400);
      expect(answer).toMatchObject({ statusCode: 400, message: expect.anything() });
    });

    it.each([
      ['no JSON', '{"email":', 'application/json', 400],
      ['an unknown content type', '<login/>', 'application/xml', undefined],
      ['plain text, which needs no preflight', '{}', 'text/plain', undefined],
      ['an unknown charset', '{}', 'application/json; charset=latin-klingon', undefined],
    ])('answers %s with 4xx', async (_what, text, type, expected) => {
      const browser = newBrowser();
      const { status } = await browser.send('POST', '/auth/login', text, { 'content-type': type });
      expect(status).toBe(expected ?? status);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
    });

    it('answers what it does not have with 404, and a cookie that is none with 401', async () => {
      const browser = newBrowser();
      expect((await browser.get('/nothing/here')).status).toBe(404);
      browser.cookies.set('id', "' or 1=1 --");
      const { status, body } = await browser.get('/me');
      expect([status, body]).toMatchObject([401, { reason: 'malformed' }]);
    });

    it('refuses a sign-in that another site sends', async () => {
      await signedIn();
      const browser = newBrowser();
      const body = JSON.stringify({ email, password: PASSWORD });
      const { status } = await browser.send('POST', '/auth/login', body, {
        'content-type': 'application/json',
        origin: 'https://evil.example',
        'sec-fetch-site': 'cross-site',
      });
      expect(status).toBe(403);
      expect(browser.cookies.size).toBe(0);
    });

    it('keeps someone signed in beyond the browser only if they ask for it', async () => {
      await newBrowser().post('/auth/register', { email, password: PASSWORD });
      const cookieOf = async (remember: boolean): Promise<string> => {
        const body = { email, password: PASSWORD, remember };
        const { headers } = await newBrowser().post('/auth/login', body);
        return headers.getSetCookie().join();
      };
      expect(await cookieOf(false)).not.toMatch(/max-age|expires/i);
      expect(await cookieOf(true)).toMatch(/max-age=77\d{5}\b/i);
    });

    it('serves a page that runs nothing but its own script, and makes no session', async () => {
      const before = await rows.count();
      const { status, headers, body } = await newBrowser().get('/');
      expect(status).toBe(200);
      expect(headers.get('content-type')).toContain('text/html');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('content-security-policy')).not.toContain('unsafe');
      expect(headers.has('set-cookie')).toBe(false);
      const assets = [...String(body).matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(
        ([, path]) => path,
      );
      expect(assets).toEqual(['/page.css', '/page.js']);
      for (const path of assets) expect((await newBrowser().get(path!)).status).toBe(200);
      expect(await rows.count()).toBe(before);
    });

    it('says that it is healthy without looking at the session', async () => {
      const browser = newBrowser();
      browser.cookies.set('id', 'whatever');
      const { status, headers, body } = await browser.get('/health');
      expect([status, body]).toMatchObject([200, { status: 'ok' }]);
      expect(headers.has('set-cookie')).toBe(false);
    });

    it('shows no token in any answer body, and no hash', async () => {
      const browser = await signedIn();
      const [token] = browser.cookies.values();
      const answers = await Promise.all(
        ['/me', '/sessions', '/cart'].map((path) => browser.get(path)),
      );
      const text = JSON.stringify(answers.map(({ body }) => body));
      expect(text).not.toContain(token);
      expect(text).not.toMatch(/[0-9a-f]{64}|argon2/i);
    });
  });
});
