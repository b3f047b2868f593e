import { describe, expect, it } from '@jest/globals';

import { createTestSessions, type TestSessions } from '../../../../test/support/session-service.js';
import { Turnstile } from '../../../../test/support/turnstile.js';
import { hours, minutes, seconds } from '../core/duration.js';
import type { SessionWork } from '../core/session-work.js';
import type { SessionRecord } from '../core/session.js';
import type { SessionModuleOptions } from '../session.options.js';
import { FakeClock } from '../testing/fake-clock.js';
import { MemorySessionStore } from '../testing/memory-session-store.js';

const TTL_MS = 2000;
const nobody = { ip: null, userAgent: null };
const COUNTED = { before: {}, after: { count: 1 } };
const NO_WORK: Omit<SessionWork, 'current'> = {
  client: nobody,
  data: null,
  updates: [],
  signIn: null,
  rotation: null,
  expiry: {},
  authenticated: null,
};

/** A store whose next answer is held back after the row was read. */
class SlowStore extends MemorySessionStore {
  turnstile: Turnstile | undefined;

  override async find(id: string): Promise<SessionRecord | undefined> {
    const record = await super.find(id);
    const { turnstile } = this;
    this.turnstile = undefined;
    await turnstile?.pass();
    return record;
  }
}

interface TestCache extends TestSessions {
  readonly store: SlowStore;
}

/** A process with a cache; with `beside` on the store of another one. */
function create(beside?: TestCache, policies: SessionModuleOptions['policies'] = {}): TestCache {
  const clock = beside?.clock ?? new FakeClock();
  const store = beside?.store ?? new SlowStore({ clock });
  const options = {
    cache: { maxEntries: 100, ttlMs: TTL_MS },
    channel: { driver: 'redis', connection: {} },
    policies: {
      default: { idleTimeoutMs: minutes(30), absoluteTimeoutMs: hours(12) },
      short: { idleTimeoutMs: seconds(1), absoluteTimeoutMs: hours(1) },
      ...policies,
    },
    touchIntervalMs: 500,
    rotationIntervalMs: minutes(10),
  } as const;
  return { ...createTestSessions({ options, clock, store }), store };
}

/** A session of the user that was looked up, and so is kept. */
async function known(
  { sessions }: TestSessions,
  userId: string | null = 'ada',
  policy = 'default',
): Promise<{ token: string; id: string }> {
  const { token, session } = await sessions.issue({ userId, policy });
  await sessions.resolve(token);
  expect(sessions.cached(token)).toMatchObject({ status: 'active', isCached: true });
  return { token, id: session.id };
}

describe('the cache of sessions', () => {
  it('remembers a session by the token that opened it, with the time that has passed', async () => {
    const test = create();
    const { token, id } = await known(test);
    const now = test.clock.now();
    test.clock.advance(TTL_MS - 1);
    expect(test.sessions.cached(token)?.record).toMatchObject({
      session: { id },
      now: now + TTL_MS - 1,
    });
  });

  it('remembers nothing without the option', async () => {
    const { sessions } = createTestSessions();
    const { token } = await sessions.issue({ userId: 'ada' });
    await sessions.resolve(token);
    expect(sessions.cached(token)).toBeUndefined();
  });

  it('knows no other token, be it of the same session', async () => {
    const test = create();
    const { token } = await known(test);
    const last = token.endsWith('A') ? 'Q' : 'A';
    const others = [
      '',
      token.slice(0, 28),
      token.slice(0, -1),
      `${token}A`,
      token.slice(0, -1) + last,
      `${token.slice(0, -1)}\u0141`,
      token.slice(0, 28).padEnd(82, 'A'),
      undefined,
      { toString: () => token },
    ];
    for (const other of others) expect(test.sessions.cached(other)).toBeUndefined();
    expect(test.sessions.cached(token)).toBeDefined();
  });

  it('forgets a session when its time to live is over', async () => {
    const test = create();
    const { token } = await known(test);
    test.clock.advance(TTL_MS);
    expect(test.sessions.cached(token)).toBeUndefined();
  });

  it('counts the time to live from when the read began', async () => {
    const test = create();
    const { token } = await test.sessions.issue({ userId: 'ada' });
    test.store.turnstile = new Turnstile();
    const { turnstile } = test.store;
    const reading = test.sessions.resolve(token);
    await turnstile.entered;
    test.clock.advance(TTL_MS);
    turnstile.open();
    expect(await reading).toMatchObject({ status: 'active' });
    expect(test.sessions.cached(token)).toBeUndefined();
  });

  it('moves the time on from when the read began', async () => {
    const test = create();
    const { token } = await test.sessions.issue({ userId: 'ada' });
    const { turnstile } = Object.assign(test.store, { turnstile: new Turnstile() });
    const reading = test.sessions.resolve(token);
    await turnstile.entered;
    test.clock.advance(100);
    turnstile.open();
    await reading;
    expect(test.sessions.cached(token)?.record.now).toBe(test.clock.now());
  });

  it('forgets a session at the deadline of its policy as it is now', async () => {
    const test = create();
    const { token } = await test.sessions.issue({ userId: 'ada' });
    const policies = { default: { idleTimeoutMs: seconds(1), absoluteTimeoutMs: hours(12) } };
    const lowered = create(test, policies);
    await lowered.sessions.resolve(token);
    test.clock.advance(seconds(1) - 1);
    expect(lowered.sessions.cached(token)).toBeDefined();
    test.clock.advance(1);
    expect(lowered.sessions.cached(token)).toBeUndefined();
  });

  it('forgets a session at its deadline, before its time to live is over', async () => {
    const test = create();
    const { token } = await known(test, 'ada', 'short');
    test.clock.advance(seconds(1) - 1);
    expect(test.sessions.cached(token)).toBeDefined();
    test.clock.advance(1);
    expect(test.sessions.cached(token)).toBeUndefined();
  });

  it('is not asked while the lease of the channel has lapsed', async () => {
    const test = create();
    const { token } = await known(test);
    test.channel.leaseExpiresAt = -Infinity;
    expect(test.sessions.cached(token)).toBeUndefined();
    test.channel.leaseExpiresAt = Infinity;
    expect(test.sessions.cached(token)).toBeDefined();
  });

  it('keeps nothing that is not live, and forgets what is found dead', async () => {
    const test = create();
    const { token, id } = await known(test);
    await test.store.revoke(id, 'elsewhere');
    expect(await test.sessions.resolve(token)).toMatchObject({ status: 'revoked' });
    expect(test.sessions.cached(token)).toBeUndefined();
  });

  it('keeps no token that was rotated away, and the next one once it was presented', async () => {
    const test = create();
    const { token } = await known(test);
    const current = test.sessions.cached(token) ?? null;
    test.clock.advance(minutes(10));
    const work: SessionWork = { ...NO_WORK, current, rotation: 'due' };
    const { token: next } = await test.sessions.commit(work);
    expect(await test.sessions.resolve(token)).toMatchObject({ status: 'active', successor: next });
    expect(test.sessions.cached(token)).toBeUndefined();
    await test.sessions.resolve(next);
    expect(test.sessions.cached(next)).toBeDefined();
  });

  it('keeps no session with more data than 8,192 characters', async () => {
    const test = create();
    const { token } = await test.sessions.issue({
      userId: 'ada',
      data: { text: 'x'.repeat(8192) },
    });
    await test.sessions.resolve(token);
    expect(test.sessions.cached(token)).toBeUndefined();
  });

  it('has a session touched once in a touch interval, however often it is asked', async () => {
    const test = create();
    const { token } = await known(test);
    test.clock.advance(600);
    const due = (): boolean => {
      const active = test.sessions.cached(token);
      if (active === undefined) throw new Error('Expected a session that is kept');
      const isDue = test.sessions.isTouchDue(active);
      test.sessions.touch(active, nobody);
      return isDue;
    };
    expect([due(), due(), due()]).toEqual([true, false, false]);
    test.clock.advance(500);
    expect([due(), due()]).toEqual([true, false]);
    await test.sessions.flushTouches();
  });
});

const findings: readonly [name: string, find: Change][] = [
  ['a revocation', ({ sessions }, { id }) => sessions.revoke(id)],
  ['a write', (test, { token }) => commitWith(test, token, { rotation: 'now' })],
  [
    'a sign-in in its place',
    (test, { token }) => commitWith(test, token, { signIn: { userId: 'bob', options: {} } }),
  ],
];

function commitWith(
  { sessions }: TestSessions,
  token: string,
  parts: Partial<SessionWork>,
): Promise<unknown> {
  const current = sessions.cached(token) ?? null;
  return sessions.commit({ ...NO_WORK, current, ...parts }).catch(() => {});
}

describe.each(findings)('%s that finds a session ended by another process', (_, find) => {
  it('has what is kept of it forgotten', async () => {
    const test = create();
    const session = await known(test);
    await test.store.revoke(session.id, 'elsewhere');
    await find(test, session);
    expect(test.sessions.cached(session.token)).toBeUndefined();
  });
});

type Change = (test: TestSessions, session: { id: string; token: string }) => unknown;

const ownWrites: readonly [name: string, change: Change][] = [
  ['a revocation', ({ sessions }, { id }) => sessions.revoke(id)],
  ['the end of all sessions of the user', ({ sessions }) => sessions.revokeAllForUser('ada')],
  [
    'the end of the other sessions of the user',
    ({ sessions }, { id }) => sessions.revokeAllForUser('ada', { except: id }),
  ],
  ['the end of all sessions', ({ sessions }) => sessions.revokeEveryone()],
  ['a rotation', ({ sessions }, { token }) => sessions.rotate(token)],
  ['a change of its data', (test, { token }) => commitWith(test, token, { data: COUNTED })],
];

const notices: readonly [name: string, change: Change][] = [
  ['a session', ({ channel }, { id }) => channel.publish({ kind: 'session', sessionId: id })],
  ['its user', ({ channel }) => channel.publish({ kind: 'principal', userId: 'ada' })],
  ['everyone', ({ channel }) => channel.publish({ kind: 'everyone' })],
  ['a gap', ({ channel }) => channel.gap()],
];

describe.each([
  ...ownWrites.map(([name, change]) => [`${name} by this process`, change] as const),
  ...notices.map(([name, change]) => [`a notice of ${name}`, change] as const),
])('after %s', (_, change) => {
  it('what is kept of the session is gone', async () => {
    const test = create();
    const session = await known(test);
    await change(test, session);
    expect(test.sessions.cached(session.token)).toBeUndefined();
  });

  it('a read that began before keeps nothing', async () => {
    const test = create();
    const session = await known(test);
    const turnstile = new Turnstile();
    test.store.turnstile = turnstile;
    const reading = test.sessions.resolve(session.token);
    await turnstile.entered;
    await change(test, session);
    turnstile.open();
    await reading;
    expect(test.sessions.cached(session.token)).toBeUndefined();
  });
});

describe.each(notices.slice(0, 2))('a notice of %s', (_, change) => {
  it('leaves the sessions of others as they are', async () => {
    const test = create();
    const session = await known(test);
    const other = await known(test, 'bob');
    const anonymous = await known(test, null, 'anonymous');
    await change(test, session);
    expect(test.sessions.cached(other.token)).toBeDefined();
    expect(test.sessions.cached(anonymous.token)).toBeDefined();
  });
});
