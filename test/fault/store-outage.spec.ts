import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';

import { untilBlocked } from '../support/blocked.js';
import { Browser, type Answer } from '../support/browser.js';
import { databaseUrlOf } from '../support/database-url.js';
import { describeEachDatabase } from '../support/databases.js';
import { expectOutage } from '../support/expect-outage.js';
import { ADA, startReferenceApp, type ReferenceApp } from '../support/reference-app.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

const NEXT_PASSWORD = 'another battery staple';

/** More than the pools have. */
const CONNECTIONS = 11;

/** What the store sends last to sign somebody out: without RETURNING that is a transaction. */
const SIGN_OUT = { postgres: 'revoked_at" = (', mariadb: '\u0003COMMIT', sqlite: '' };

/** As it stands in its packet: READ COMMITTED is none. */
const COMMIT = { postgres: 'COMMIT\u0000', mariadb: '\u0003COMMIT', sqlite: '' };

const READ_ONLY = {
  postgres: 'set default_transaction_read_only = on',
  mariadb: 'set session transaction read only',
  sqlite: '',
};

const BLOCKED_IDS = {
  postgres: `select pid as id from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`,
  mariadb: `select id from information_schema.processlist
    where db = database() and command = 'Query' and id <> connection_id()`,
  sqlite: '',
};

const KILL = { postgres: 'select pg_terminate_backend', mariadb: 'kill ', sqlite: '' };

/** The pools of the two drivers, as far as a test needs them. */
interface Pool {
  on(event: 'connect' | 'connection', listener: (client: Client) => void): void;
  removeAllListeners(event: 'connect' | 'connection'): void;
}
interface Client {
  query(text: string): unknown;
}

function expectUnavailable({ status, headers }: Answer): void {
  expect([status, headers.get('retry-after'), headers.getSetCookie()]).toEqual([503, '1', []]);
}

await describeEachDatabase(
  'the reference app on a database that fails',
  (database) => {
    let proxy: TcpProxy;
    let app: ReferenceApp;
    /** Past the proxy. */
    let direct: DataSource;
    let ada: Browser;

    beforeAll(async () => {
      const url = databaseUrlOf(database.options());
      proxy = await TcpProxy.start(url);
      app = await startReferenceApp(proxy.through(url));
      direct = await database.connect();
      ada = await app.signedIn();
    });

    afterEach(() => heal());

    afterAll(async () => {
      await app?.close();
      await proxy?.close();
    });

    /** What was cut is noticed a moment later, or by the first request that uses it. */
    async function heal(): Promise<void> {
      await proxy.heal();
      await until(async () => (await ada.get('/health')).status === 200);
    }

    /** The ids of the live sessions, as the database knows them. */
    async function liveSessions(): Promise<string[]> {
      const rows: { id: string }[] = await direct.query(
        `select s.id from sessions s
         left join session_principals p on p.user_id = s.user_id
         where s.revoked_at is null and s.epoch >= coalesce(p.epoch, 0) order by s.id`,
      );
      return rows.map(({ id }) => id);
    }

    async function sessionIdOf(browser: Browser): Promise<string> {
      const { body } = await browser.get('/me');
      return (body as { session: { id: string } }).session.id;
    }

    describe('slowly', () => {
      it('goes on where the database is slow and within the deadline', async () => {
        proxy.delay(100);
        const browser = await app.signedIn();
        expect((await browser.get('/me')).status).toBe(200);
        expect((await browser.post('/auth/logout')).status).toBe(204);
      });

      it('answers 503 where the database is slower than the deadline', async () => {
        proxy.delay(6000, 'to-client');
        await expectOutage(app, ada);
        await heal();
        expect((await ada.get('/me')).status).toBe(200);
      });
    });

    describe('as it commits', () => {
      describe.each(['before-it-arrives', 'before-its-answer'] as const)('cut %s', (when) => {
        const isDone = when === 'before-its-answer';

        it('leaves a sign-out that is not confirmed to the client to repeat', async () => {
          const browser = await app.signedIn();
          const id = await sessionIdOf(browser);
          const cut = proxy.cutOn(SIGN_OUT[database.name], when);
          expectUnavailable(await browser.post('/auth/logout'));
          await cut;
          expect((await liveSessions()).includes(id)).toBe(!isDone);
          expect((await browser.get('/me')).status).toBe(isDone ? 401 : 200);
          await browser.post('/auth/logout');
          expect(await liveSessions()).not.toContain(id);
        });

        it('gives nobody the token of a sign-in that is not confirmed', async () => {
          const before = await liveSessions();
          const browser = new Browser(app.origin);
          const cut = proxy.cutOn(COMMIT[database.name], when);
          expectUnavailable(await browser.post('/auth/login', ADA));
          await cut;
          expect(browser.cookies.size).toBe(0);
          expect((await liveSessions()).length - before.length).toBe(isDone ? 1 : 0);
          expect((await browser.post('/auth/login', ADA)).status).toBe(200);
          expect((await browser.get('/me')).status).toBe(200);
        });

        it('ends the other sessions if and only if the password was changed', async () => {
          const [browser, other] = [await app.signedIn(), await app.signedIn()];
          const cut = proxy.cutOn(COMMIT[database.name], when);
          const change = { current: ADA.password, next: NEXT_PASSWORD };
          expectUnavailable(await browser.post('/auth/password', change));
          await cut;
          const email = ADA.email;
          const isNew = (
            await new Browser(app.origin).post('/auth/login', { email, password: NEXT_PASSWORD })
          ).status;
          expect(isNew).toBe(isDone ? 200 : 401);
          expect((await other.get('/me')).status).toBe(isDone ? 401 : 200);
          expect((await browser.get('/me')).status).toBe(200);
          if (!isDone) return;
          const back = { current: NEXT_PASSWORD, next: ADA.password };
          expect((await browser.post('/auth/password', back)).status).toBe(204);
        });
      });
    });

    it('answers 503 where its connection is killed in the middle of a request', async () => {
      const browser = await app.signedIn();
      const id = await sessionIdOf(browser);
      let signOut: Promise<Answer> | undefined;
      await direct.transaction(async (manager) => {
        await manager.query(`update sessions set version = version where id = '${id}'`);
        signOut = browser.post('/auth/logout');
        await untilBlocked(direct, database.name);
        const blocked: { id: unknown }[] = await direct.query(BLOCKED_IDS[database.name]);
        for (const each of blocked)
          await direct.query(`${KILL[database.name]}(${String(each.id)})`);
        expectUnavailable(await signOut);
      });
      expect((await browser.get('/me')).status).toBe(200);
      expect((await browser.post('/auth/logout')).status).toBe(204);
    });

    describe('by taking no writes', () => {
      let pool: Pool;
      const event = database.name === 'postgres' ? 'connect' : 'connection';

      beforeAll(() => {
        const { driver } = app.app.get<{ driver: { master?: Pool; pool?: Pool } }>(DataSource);
        pool = (driver.master ?? driver.pool) as Pool;
      });

      /** Whatever connects from now on may read only; what is connected is cut. */
      async function becomeReadOnly(): Promise<void> {
        pool.on(event, (client) => void client.query(READ_ONLY[database.name]));
        await heal();
      }

      afterEach(() => {
        pool.removeAllListeners(event);
      });

      it('goes on reading, and answers 503 to what it would have to write', async () => {
        const browser = await app.signedIn();
        await becomeReadOnly();
        const answer = await browser.get('/sessions');
        expect([answer.status, answer.headers.getSetCookie()]).toEqual([200, []]);
        expectUnavailable(await new Browser(app.origin).post('/auth/login', ADA));
        expectUnavailable(await browser.post('/auth/logout'));
        const change = { current: ADA.password, next: NEXT_PASSWORD };
        expectUnavailable(await browser.post('/auth/password', change));
        expectUnavailable(await browser.put('/cart/tea', { quantity: 1 }));
        expect((await browser.get('/me')).status).toBe(200);
      });

      it.each([
        ['a statement', (browser: Browser) => browser.put('/cart/tea', { quantity: 1 })],
        ['a transaction', () => new Browser(app.origin).post('/auth/login', ADA)],
      ])(
        'leaves the connections to a server that takes no more writes, for %s',
        async (_, write) => {
          const browser = await app.signedIn();
          await becomeReadOnly();
          // A failover: new connections reach a primary, those of before stay where they are.
          pool.removeAllListeners(event);
          const writes: number[] = [];
          for (let count = 0; count < CONNECTIONS; count += 1) {
            writes.push((await write(browser)).status);
          }
          expect([writes[0], writes.at(-1)]).toEqual([503, 200]);
          expect((await browser.post('/auth/logout')).status).toBe(204);
        },
      );
    });
  },
  ['postgres', 'mariadb'],
);
