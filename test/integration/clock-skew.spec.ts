import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { days, hours, minutes, seconds, type Session, type SessionService } from 'nestjs-curfew';

import { issuedAt } from '../../libs/session/src/core/session-id.js';
import type { Browser } from '../support/browser.js';
import { describeEachDatabase, type DatabaseName } from '../support/databases.js';
import { COOKIE, startHttpApp, type HttpApp } from '../support/http-app.js';
import { createTestSessions } from '../support/session-service.js';
import { skewedDate } from '../support/skewed-date.js';
import { until } from '../support/until.js';

const IDLE_MS = minutes(30);
const ABSOLUTE_MS = hours(12);
const RETENTION_MS = hours(1);

/** What a busy machine may take between two statements. */
const ROOM_MS = seconds(10);

const SKEWS: [string, number][] = [
  ['a day behind', -days(1)],
  ['a day ahead', days(1)],
  ['a year behind', -days(365)],
  ['a year ahead', days(365)],
];

/** Connections in the farthest zone there is. MySQL's driver is told the same, as it would be. */
const FAR_ZONE: Record<DatabaseName, Record<string, unknown>> = {
  postgres: { extra: { options: '-c timezone=Pacific/Kiritimati' } },
  mariadb: { timezone: '+14:00' },
  sqlite: {},
};

const TIMES = [
  'created_at',
  'last_seen_at',
  'authenticated_at',
  'idle_expires_at',
  'expires_at',
  'purge_at',
];

const clock = skewedDate();

await describeEachDatabase('the clock of the application', (database) => {
  let app: HttpApp;
  let userId: string;

  beforeAll(async () => {
    const far = { ...database, options: () => database.options(FAR_ZONE[database.name]) };
    app = await startHttpApp('express', far, {
      clock: null,
      options: {
        policies: {
          default: { idleTimeoutMs: IDLE_MS, absoluteTimeoutMs: ABSOLUTE_MS },
          unhurried: { idleTimeoutMs: null, absoluteTimeoutMs: ABSOLUTE_MS },
        },
        retentionMs: RETENTION_MS,
        purge: { bucketMs: seconds(1) },
        rotationIntervalMs: null,
      },
    });
  });

  beforeEach(() => {
    userId = randomUUID();
  });

  afterAll(() => app?.close());

  async function sessionOf(browser: Browser, policy: string): Promise<Session> {
    const { token, session } = await app.sessions.issue({ userId, policy });
    browser.cookies.set(COOKIE, token);
    return session;
  }

  /** Moves all that happened to a session into the past. */
  async function age(id: string, ms: number): Promise<void> {
    const moves = TIMES.map((name) => `${name} = ${name} - ${ms}`);
    await app.dataSource.query(`update sessions set ${moves.join(', ')} where id = '${id}'`);
  }

  const reload = async (id: string): Promise<Session> => {
    const session = await app.sessions.find(id);
    if (session === undefined) throw new Error('Expected a live session');
    return session;
  };

  describe.each(SKEWS)('%s', (_, skewMs) => {
    beforeEach(() => clock.setSkew(skewMs));

    it('ends no session before its idle timeout, and none after it', async () => {
      const browser = app.browser();
      const { id } = await sessionOf(browser, 'default');
      await age(id, IDLE_MS - ROOM_MS);
      expect((await browser.get('/poll')).status).toBe(200);
      await age(id, ROOM_MS);
      expect((await browser.get('/poll')).body).toMatchObject({ expiry: 'idle' });
    });

    it('ends no session before its absolute timeout, and none after it', async () => {
      const browser = app.browser();
      const { id } = await sessionOf(browser, 'unhurried');
      await age(id, ABSOLUTE_MS - ROOM_MS);
      expect((await browser.get('/poll')).status).toBe(200);
      await age(id, ROOM_MS);
      expect((await browser.get('/poll')).body).toMatchObject({ expiry: 'absolute' });
    });

    it('moves no deadline of a touch, and no moment of one', async () => {
      const browser = app.browser();
      const issued = await sessionOf(browser, 'default');
      await browser.get('/me');
      await app.sessions.flushTouches();
      expect((await reload(issued.id)).lastSeenAt).toBe(issued.lastSeenAt);

      await age(issued.id, minutes(10));
      await browser.get('/me');
      await app.sessions.flushTouches();
      const touched = await reload(issued.id);
      const now = await app.store.now();
      expect(now - touched.lastSeenAt).toBeLessThan(ROOM_MS);
      expect(touched.idleExpiresAt).toBe(touched.lastSeenAt + IDLE_MS);
    });

    it('moves no touch that waits while it is set, and no time that a request has left', async () => {
      const browser = app.browser();
      clock.setSkew(0);
      const { id } = await sessionOf(browser, 'default');
      await age(id, minutes(10));
      await browser.get('/me');
      clock.setSkew(skewMs);
      await app.sessions.flushTouches();
      const now = await app.store.now();
      expect(Math.abs(now - (await reload(id)).lastSeenAt)).toBeLessThan(ROOM_MS);

      clock.setSkew(0);
      let remainingMs: number | null = null;
      app.on('clock-is-set', ({ session }) => {
        clock.setSkew(skewMs);
        ({ remainingMs } = session);
      });
      await browser.post('/guarded/clock-is-set');
      expect(Math.abs(IDLE_MS - (remainingMs ?? 0))).toBeLessThan(ROOM_MS);
    });

    it('makes no sign-in more recent or older than it is', async () => {
      const browser = app.browser();
      const { id } = await sessionOf(browser, 'default');
      await age(id, seconds(50));
      expect((await browser.get('/recent')).status).toBe(200);
      await age(id, ROOM_MS);
      expect((await browser.get('/recent')).status).toBe(403);
    });

    it('has nothing purged that is not due, and all that is', async () => {
      const [due, live] = [app.browser(), app.browser()];
      const { id } = await sessionOf(due, 'unhurried');
      await sessionOf(live, 'unhurried');
      await age(id, ABSOLUTE_MS + RETENTION_MS - ROOM_MS);
      expect((await app.sessions.purge()).deleted).toBe(0);
      await age(id, ROOM_MS + seconds(1));
      expect((await app.sessions.purge()).deleted).toBe(1);
      expect((await live.get('/poll')).status).toBe(200);
    });

    it('lets an end be set by the time of the database', async () => {
      const inAnHour = (await app.store.now()) + hours(1);
      app.on('end-in-an-hour', ({ session }) => {
        session.signIn(userId);
        session.expireAt(new Date(inAnHour));
      });
      expect((await app.browser().post('/public/end-in-an-hour')).status).toBe(200);
      const { sessions } = await app.sessions.list(userId);
      expect(sessions.map(({ expiresAt }) => expiresAt)).toEqual([inAnHour]);
    });
  });

  describe('of which each machine has its own', () => {
    /** A process that has just started, on a machine whose clock is off. */
    async function issueOn(skewMs: number, maxSessionsPerUser: number | null): Promise<string> {
      const { createdAt = 0 } = (await app.sessions.list(userId)).sessions.at(-1) ?? {};
      await until(async () => (await app.store.now()) > createdAt);
      clock.setSkew(skewMs);
      const machine: SessionService = createTestSessions({
        store: app.store,
        options: { maxSessionsPerUser },
      }).sessions;
      return (await machine.issue({ userId })).session.id;
    }

    const listed = async (): Promise<string[]> =>
      (await app.sessions.list(userId)).sessions.map(({ id }) => id);

    it('lists sessions in the order in which they began', async () => {
      const ids: string[] = [];
      for (const skewMs of [days(1), -days(365), 0]) ids.push(await issueOn(skewMs, null));
      expect(await listed()).toEqual(ids);
    });

    it('ends the oldest session where there are too many', async () => {
      const ids: string[] = [];
      for (const skewMs of [days(1), -days(365), 0]) ids.push(await issueOn(skewMs, 2));
      expect(await listed()).toEqual(ids.slice(1));
    });

    it('gives ids of the month that it is', async () => {
      const id = await issueOn(days(365), null);
      expect(Math.abs(issuedAt(id) - (await app.store.now()))).toBeLessThan(ROOM_MS);
    });
  });
});
