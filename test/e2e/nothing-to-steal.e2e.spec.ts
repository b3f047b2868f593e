import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { SessionEventName } from 'nestjs-curfew';

import { loggerInto } from '../support/captured-logger.js';
import { diagnostics } from '../../libs/session/src/core/session-diagnostics.js';
import { describeHttp } from '../support/describe-http.js';
import { COOKIE, type HttpApp } from '../support/http-app.js';
import { collectEvents } from '../support/next-event.js';
import { findRedis } from '../support/redis.js';
import { until } from '../support/until.js';

const EVENTS: readonly SessionEventName[] = [
  'session:issued',
  'session:rotated',
  'session:touched',
  'session:revoked',
  'session:reuse-detected',
  'session:denied',
  'principal:revoked',
];

/** As no other text has it. */
const USER_AGENT = 'Secret-Agent/7.0';

/** The places that name events and sessions, and must name nothing else. */
const OBSERVED = ['events', 'logs', 'jobs', 'diagnostics', 'health'] as const;

const logs: string[] = [];
const messages: unknown[] = [];
const hear = (message: unknown, name: string | symbol): void => void messages.push(name, message);
beforeAll(() => Object.keys(diagnostics).forEach((name) => subscribe(name, hear)));
afterAll(() => Object.keys(diagnostics).forEach((name) => unsubscribe(name, hear)));

const redis = await findRedis();

await describeHttp(
  'what leaves the process',
  (bench) => {
    it('holds no string that opens a session, however long one looks', async () => {
      const { app } = bench;
      const events = EVENTS.map((name) => collectEvents(app.events, name));
      const tokens = await liveALittle(app);
      const rows = await dump(app);
      const leaks = {
        rows: inspect(rows, { depth: null, maxStringLength: null }),
        statements: app.statements.statements.join('\n'),
        parameters: inspect(app.statements.parameters, { maxArrayLength: null }),
        events: JSON.stringify(events),
        logs: logs.join('\n'),
        jobs: await jobs(),
        diagnostics: inspect(messages, { depth: null, maxArrayLength: null }),
        health: JSON.stringify(await app.health.check('session')),
      };
      expect(tokens.length).toBeGreaterThan(5);
      for (const [place, text] of Object.entries(leaks)) {
        for (const token of tokens) {
          for (const form of formsOf(token)) {
            expect({ place, leaked: text.includes(form) }).toEqual({ place, leaked: false });
          }
        }
      }
      for (const place of OBSERVED) {
        expect(leaks[place]).not.toContain(USER_AGENT);
        expect(leaks[place]).not.toMatch(/\b(select|insert|update|delete)\b.*\b(from|into|set)\b/i);
      }
      expect(leaks.rows).toContain(USER_AGENT);
      for (const name of ['curfew:resolve', 'curfew:lookup', 'curfew:event', 'signed-out']) {
        expect(leaks.diagnostics).toContain(name);
      }
      expect(leaks.health).toContain('"status":"up"');
      expect(leaks.logs).toMatch(/event=session:reuse-detected sessionId=[0-9a-f-]{36} Session$/m);
      expect(leaks.events).toContain('signed-out');
      expect(leaks.logs).toContain('the application fails');
      if (redis !== undefined) expect(leaks.jobs).toContain('revoke-user');
    });

    it('holds nothing that is taken for a token when it is presented', async () => {
      const { app } = bench;
      await app.signedIn('ada');
      const strings = (await dump(app)).flatMap((row) => Object.values(row)).map(String);
      expect(strings.length).toBeGreaterThan(10);
      for (const value of new Set(strings)) {
        const thief = app.browser();
        thief.cookies.set(COOKIE, encodeURIComponent(value));
        expect((await thief.get('/me')).status).toBe(401);
      }
    });
  },
  {
    logger: loggerInto(logs),
    options: {
      touchIntervalMs: 0,
      rotationIntervalMs: 60_000,
      ...(redis && {
        jobs: {
          driver: 'bullmq' as const,
          connection: { url: redis.url },
          prefix: redis.prefix,
        },
      }),
    },
  },
);

/** Everything that gives out, changes, refuses or ends a token. @returns every token that there was. */
async function liveALittle(app: HttpApp): Promise<string[]> {
  app.on('write', ({ session }) => session.set('seen', true));
  app.on('rotate', ({ session }) => session.rotate());
  app.on('step-up', ({ session }) => session.stepUp({ aal: 2 }));
  app.on('others', ({ session }) => session.revokeOthers());
  app.on('fail', () => {
    throw new Error('the application fails');
  });
  const tokens = new Set<string>();
  const browser = app.browser(USER_AGENT);
  const visit = async (path: string, body?: unknown): Promise<void> => {
    await browser.post(path, body);
    const token = browser.cookies.get(COOKIE);
    if (token !== undefined) tokens.add(token);
  };
  await app.signedIn('ada');
  await visit('/public/write');
  await visit('/login', { userId: 'ada' });
  await visit('/guarded/rotate');
  await visit('/guarded/step-up');
  await visit('/guarded/others');
  app.clock.advance(60_000);
  await visit('/guarded/write');
  await visit('/guarded/fail');
  const [first = ''] = tokens;
  const thief = app.browser();
  thief.cookies.set(COOKIE, first);
  await thief.get('/me');
  // Past the grace of the rotation: a sign of a theft.
  app.clock.advance(31_000);
  thief.cookies.set(COOKIE, [...tokens].at(-2) ?? '');
  await thief.get('/me');
  await visit('/login', { userId: 'ada' });
  await app.sessions.flushTouches();
  await visit('/logout');
  return [...tokens];
}

async function dump(app: HttpApp): Promise<Record<string, unknown>[]> {
  const tables = ['sessions', 'session_principals'];
  const rows = await Promise.all(
    tables.map((table) =>
      app.dataSource.query<Record<string, unknown>[]>(`select * from ${table}`),
    ),
  );
  return rows.flat();
}

/** What BullMQ keeps of the jobs, once one is there. */
async function jobs(): Promise<string> {
  if (redis === undefined) return '';
  const client = new Redis(redis.url);
  const read = async (): Promise<string> => {
    const keys = await client.keys(`${redis.prefix}:*`);
    const values = await Promise.all(
      keys.map(async (key) => ((await client.type(key)) === 'hash' ? client.hgetall(key) : key)),
    );
    return JSON.stringify(values);
  };
  try {
    await until(async () => (await read()).includes('revoke-user'));
    return await read();
  } finally {
    client.disconnect();
  }
}

/** The token, and the secret in it: in base64url, base64 and hex. */
function formsOf(token: string): string[] {
  const secret = Buffer.from(token, 'base64url').subarray(21, 53);
  return [token, secret.toString('base64url'), secret.toString('base64'), secret.toString('hex')];
}
