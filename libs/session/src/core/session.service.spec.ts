import { beforeEach, describe, expect, it, jest } from '@jest/globals';

import { collectEvents } from '../../../../test/support/next-event.js';
import { createTestSessions, type TestSessions } from '../../../../test/support/session-service.js';
import type { SessionModuleOptions } from '../session.options.js';
import { MemorySessionStore } from '../testing/memory-session-store.js';
import { hours, minutes, seconds } from './duration.js';
import type { ActiveSession } from './session-resolution.js';
import type { SessionStore } from './session-store.js';
import { newSessionId } from './session-token.js';

const nobody = { ip: null, userAgent: null };

async function resolveActive({ sessions }: TestSessions, token: string): Promise<ActiveSession> {
  const resolution = await sessions.resolve(token);
  if (resolution.status !== 'active') throw new Error(`Expected active, got ${resolution.status}`);
  return resolution;
}

describe('SessionService', () => {
  let test: TestSessions;
  const create = (options: Partial<SessionModuleOptions> = {}): void => {
    test = createTestSessions({ options });
  };

  beforeEach(() => create());

  describe('issue', () => {
    it('issues an anonymous session under its policy', async () => {
      const { session } = await test.sessions.issue({});
      expect(session).toMatchObject({
        userId: null,
        policy: 'anonymous',
        authenticatedAt: null,
        aal: null,
        amr: null,
        idleExpiresAt: test.clock.now() + hours(2),
      });
    });

    it("issues a user's session with the proof of the sign-in and the client", async () => {
      const { session, token } = await test.sessions.issue({
        userId: 'ada',
        aal: 2,
        amr: ['pwd', 'otp'],
        client: { ip: '192.0.2.1', userAgent: 'Browser' },
        data: { step: 1 },
      });
      expect(session).toMatchObject({
        userId: 'ada',
        policy: 'default',
        persistent: false,
        authenticatedAt: test.clock.now(),
        aal: 2,
        amr: ['pwd', 'otp'],
        ip: '192.0.2.1',
        userAgent: 'Browser',
      });
      expect((await resolveActive(test, token)).record.data).toBe('{"step":1}');
    });

    it('claims the first level where the sign-in names none', async () => {
      const { session } = await test.sessions.issue({ userId: 'ada' });
      expect([session.aal, session.amr]).toEqual([1, null]);
    });

    it('takes shorter timeouts than the policy has, and no longer ones', async () => {
      const now = test.clock.now();
      const shorter = { idleTimeoutMs: minutes(5), expiresAt: now + hours(1) };
      const longer = { idleTimeoutMs: hours(5), expiresAt: now + hours(100) };
      const [early, late] = [
        await test.sessions.issue({ userId: 'ada', ...shorter }),
        await test.sessions.issue({ userId: 'ada', ...longer }),
      ];
      expect(early.session).toMatchObject(shorter);
      expect(late.session).toMatchObject({
        idleTimeoutMs: minutes(30),
        expiresAt: now + hours(12),
      });
    });

    it('records no address and no browser where that is switched off', async () => {
      create({ recordIp: false, recordUserAgent: false });
      const client = { ip: '192.0.2.1', userAgent: 'Browser' };
      const { session, token } = await test.sessions.issue({ userId: 'ada', client });
      expect([session.ip, session.userAgent]).toEqual([null, null]);
      test.clock.advance(minutes(2));
      test.sessions.touch(await resolveActive(test, token), client);
      await test.sessions.flushTouches();
      const touched = await test.sessions.find(session.id);
      expect([touched?.ip, touched?.userAgent]).toEqual([null, null]);
    });

    it.each([
      ['SESSION_USER_INVALID', { userId: '' }],
      ['SESSION_USER_INVALID', { userId: '*' }],
      ['SESSION_POLICY_UNKNOWN', { policy: 'never' }],
      ['SESSION_POLICY_UNKNOWN', { policy: 'constructor' }],
      ['SESSION_EXPIRY_INVALID', { idleTimeoutMs: 0 }],
      ['SESSION_EXPIRY_INVALID', { expiresAt: Number.NaN }],
      ['SESSION_DATA_NOT_JSON', { data: { at: new Date(0) } }],
      ['SESSION_DATA_KEY_REFUSED', { data: { 'a"b': 1 } }],
      ['SESSION_DATA_TOO_LARGE', { data: { long: 'x'.repeat(70_000) } }],
      ['SESSION_CREDENTIAL_UNCONFIGURED', { userId: 'ada', credential: 'hash' }],
    ])('refuses with %s what it cannot store: %j', async (code, options) => {
      const announced = collectEvents(test.events, 'session:issued');
      await expect(test.sessions.issue(options)).rejects.toMatchObject({ code });
      expect(await test.sessions.statistics()).toMatchObject({ sessions: 0 });
      expect(announced).toEqual([]);
    });

    it('fails where the session is gone before it could be read', async () => {
      class ForgetfulStore extends MemorySessionStore {
        override find = async (): Promise<undefined> => undefined;
        override transaction<T>(work: (store: SessionStore) => Promise<T>): Promise<T> {
          return work(this);
        }
      }
      const { sessions } = createTestSessions({ store: new ForgetfulStore() });
      await expect(sessions.issue({})).rejects.toMatchObject({ code: 'SESSION_ENDED' });
    });

    it('announces the session, without its token', async () => {
      const announced = collectEvents(test.events, 'session:issued');
      const { session } = await test.sessions.issue({ userId: 'ada' });
      expect(announced).toEqual([{ sessionId: session.id, userId: 'ada', policy: 'default' }]);
    });
  });

  describe('rotate', () => {
    it('gives a new token, and the old one is dead at once', async () => {
      const rotated = collectEvents(test.events, 'session:rotated');
      const { token, session } = await test.sessions.issue({ userId: 'ada' });
      const next = await test.sessions.rotate(token);
      expect(next?.session).toMatchObject({ id: session.id, generation: 1 });
      expect(await test.sessions.resolve(token)).toMatchObject({
        status: 'superseded',
        reused: false,
      });
      expect(await test.sessions.resolve(next?.token)).toMatchObject({ status: 'active' });
      expect(rotated).toEqual([{ sessionId: session.id, userId: 'ada', generation: 1 }]);
    });

    it('does not move the deadlines', async () => {
      const { token, session } = await test.sessions.issue({ userId: 'ada' });
      test.clock.advance(minutes(5));
      const { idleExpiresAt, expiresAt } = session;
      expect((await test.sessions.rotate(token))?.session).toMatchObject({
        idleExpiresAt,
        expiresAt,
      });
    });

    it('gives one of several requests at once a token', async () => {
      const { token } = await test.sessions.issue({ userId: 'ada' });
      const given = await Promise.all(
        Array.from({ length: 10 }, () => test.sessions.rotate(token)),
      );
      const winners = given.filter((next) => next !== undefined);
      expect(winners).toHaveLength(1);
      expect(await test.sessions.resolve(winners[0]?.token)).toMatchObject({ status: 'active' });
    });

    it('gives nothing for a token that opens nothing', async () => {
      const { token, session } = await test.sessions.issue({ userId: 'ada' });
      await test.sessions.revoke(session.id);
      expect(await test.sessions.rotate(token)).toBeUndefined();
      expect(await test.sessions.rotate('x')).toBeUndefined();
    });
  });

  describe('find and list', () => {
    it('find a live session and no ended one', async () => {
      const { session } = await test.sessions.issue({ userId: 'ada' });
      expect(await test.sessions.find(session.id)).toEqual(session);
      await test.sessions.revoke(session.id);
      expect(await test.sessions.find(session.id)).toBeUndefined();
    });

    it('ask the store nothing under what is no id', async () => {
      const store = [jest.spyOn(test.store, 'find'), jest.spyOn(test.store, 'revoke')];
      for (const id of ['', 'x', "' or 1=1", newSessionId(0).toUpperCase()]) {
        expect(await test.sessions.find(id)).toBeUndefined();
        expect(await test.sessions.revoke(id)).toBe(false);
      }
      for (const method of store) expect(method).not.toHaveBeenCalled();
    });

    it('list the live sessions of a user, a page at a time', async () => {
      const ids: string[] = [];
      for (let index = 0; index < 5; index += 1) {
        ids.push((await test.sessions.issue({ userId: 'ada' })).session.id);
        test.clock.advance(1);
      }
      await test.sessions.issue({ userId: 'bob' });
      const first = await test.sessions.list('ada', { limit: 3 });
      expect(first.sessions.map(({ id }) => id)).toEqual(ids.slice(0, 3));
      const second = await test.sessions.list('ada', { limit: 3, cursor: first.cursor });
      expect(second.sessions.map(({ id }) => id)).toEqual(ids.slice(3));
      expect(second.cursor).toBeNull();
    });

    it('take the last full page for the last', async () => {
      for (let index = 0; index < 2; index += 1) await test.sessions.issue({ userId: 'ada' });
      expect(await test.sessions.list('ada', { limit: 2 })).toMatchObject({ cursor: null });
    });

    it.each([
      [undefined, 50],
      [0, 50],
      [Number.NaN, 50],
      [-3, 1],
      [2.9, 2],
      [1000, 100],
    ])('make of a limit of %d a page of %d', async (limit, expected) => {
      const list = jest.spyOn(test.store, 'list');
      await test.sessions.list('ada', limit === undefined ? {} : { limit });
      expect(list).toHaveBeenCalledWith('ada', { after: null, limit: expected + 1 });
    });

    it('leaves out what only a lowered policy has ended, and shows the deadlines that hold now', async () => {
      const { session: old } = await test.sessions.issue({ userId: 'ada' });
      test.clock.advance(minutes(6));
      const { session: young } = await test.sessions.issue({ userId: 'ada' });
      const { sessions } = createTestSessions({
        store: test.store,
        clock: test.clock,
        options: {
          policies: { default: { idleTimeoutMs: minutes(5), absoluteTimeoutMs: hours(1) } },
        },
      });
      const { createdAt } = young;
      const deadlines = {
        idleExpiresAt: createdAt + minutes(5),
        expiresAt: createdAt + hours(1),
      };
      const listed = (await sessions.list('ada')).sessions;
      expect(listed).toEqual([{ ...young, ...deadlines }]);
      expect(await sessions.find(young.id)).toMatchObject(deadlines);
      expect(await sessions.find(old.id)).toBeUndefined();
    });

    it('list nothing after a cursor that no page gave out, and for no user', async () => {
      await test.sessions.issue({ userId: 'ada' });
      expect(await test.sessions.list('ada', { cursor: 'x' })).toEqual({
        sessions: [],
        cursor: null,
      });
      await expect(test.sessions.list('*')).rejects.toMatchObject({ code: 'SESSION_USER_INVALID' });
    });
  });

  describe('touch', () => {
    it('moves the idle deadline on', async () => {
      const touched = collectEvents(test.events, 'session:touched');
      const { token, session } = await test.sessions.issue({ userId: 'ada' });
      test.clock.advance(minutes(29));
      test.sessions.touch(await resolveActive(test, token), { ip: '192.0.2.7', userAgent: null });
      await test.sessions.flushTouches();
      test.clock.advance(minutes(29));
      expect(await test.sessions.find(session.id)).toMatchObject({ ip: '192.0.2.7' });
      expect(touched).toEqual([{ count: 1 }]);
    });

    it('sends of the client only what is not recorded yet', async () => {
      const write = jest.spyOn(test.store, 'touch');
      const client = { ip: '192.0.2.1', userAgent: 'Browser' };
      const { token, session } = await test.sessions.issue({ userId: 'ada', client });
      for (const ip of ['192.0.2.1', '192.0.2.7']) {
        test.clock.advance(minutes(1));
        test.sessions.touch(await resolveActive(test, token), { ...client, ip });
        await test.sessions.flushTouches();
      }
      const sent = write.mock.calls.flatMap(([touches]) => touches);
      expect(sent.map(({ ip, userAgent }) => [ip, userAgent])).toEqual([
        [null, null],
        ['192.0.2.7', null],
      ]);
      expect(await test.sessions.find(session.id)).toMatchObject({ ...client, ip: '192.0.2.7' });
    });

    it('is not written again within the touch interval', async () => {
      const write = jest.spyOn(test.store, 'touch');
      const { token } = await test.sessions.issue({ userId: 'ada' });
      test.clock.advance(minutes(1) - 1);
      test.sessions.touch(await resolveActive(test, token), nobody);
      await test.sessions.flushTouches();
      expect(write).not.toHaveBeenCalled();
      test.clock.advance(1);
      test.sessions.touch(await resolveActive(test, token), nobody);
      await test.sessions.flushTouches();
      expect(write).toHaveBeenCalledTimes(1);
    });

    it('comes soon enough for an idle timeout shorter than the touch interval', async () => {
      const { token, session } = await test.sessions.issue({
        userId: 'ada',
        idleTimeoutMs: seconds(20),
      });
      for (let turn = 0; turn < 5; turn += 1) {
        test.clock.advance(seconds(19));
        test.sessions.touch(await resolveActive(test, token), nobody);
        await test.sessions.flushTouches();
      }
      expect(await test.sessions.find(session.id)).toBeDefined();
    });

    it('counts from the activity where it is written later', async () => {
      const { token, session } = await test.sessions.issue({ userId: 'ada' });
      test.clock.advance(minutes(2));
      test.sessions.touch(await resolveActive(test, token), nobody);
      test.clock.advance(seconds(1));
      await test.sessions.flushTouches();
      expect((await test.sessions.find(session.id))?.lastSeenAt).toBe(
        test.clock.now() - seconds(1),
      );
    });

    it('keeps a shorter idle timeout that was set while it waited', async () => {
      const { token, session } = await test.sessions.issue({ userId: 'ada' });
      test.clock.advance(minutes(2));
      test.sessions.touch(await resolveActive(test, token), nobody);
      await test.store.update(session.id, { idleTimeoutMs: minutes(1) });
      await test.sessions.flushTouches();
      test.clock.advance(minutes(1));
      expect(await test.sessions.resolve(token)).toMatchObject({ status: 'idle-expired' });
    });

    it('does not bring back a session that was ended while it waited', async () => {
      const { token, session } = await test.sessions.issue({ userId: 'ada' });
      test.clock.advance(minutes(2));
      test.sessions.touch(await resolveActive(test, token), nobody);
      await test.sessions.revoke(session.id, { reason: 'signed-out' });
      await test.sessions.flushTouches();
      expect(await test.sessions.resolve(token)).toMatchObject({
        status: 'revoked',
        reason: 'signed-out',
      });
    });
  });

  it('purges rows whose retention is over and counts the rest', async () => {
    await test.sessions.issue({ userId: 'ada' });
    expect(await test.sessions.statistics()).toMatchObject({ sessions: 1, overdue: 0 });
    test.clock.advance(hours(48));
    expect(await test.sessions.statistics()).toMatchObject({ sessions: 1, overdue: 1 });
    expect(await test.sessions.purge()).toMatchObject({ deleted: 1, more: false });
    expect(await test.sessions.statistics()).toMatchObject({ sessions: 0 });
  });

  it('keeps sessions for the work that asks for it', () => {
    expect(test.sessions.keepingSessions(() => 7)).toBe(7);
  });

  it('passes a failure of the store on and announces nothing', async () => {
    const { token, session } = await test.sessions.issue({ userId: 'ada' });
    const failure = new Error('the database is down');
    const announced = collectEvents(test.events, 'session:revoked');
    for (const method of ['find', 'revoke', 'transaction', 'list'] as const) {
      jest.spyOn(test.store, method).mockRejectedValue(failure);
    }
    const calls = [
      test.sessions.resolve(token),
      test.sessions.rotate(token),
      test.sessions.find(session.id),
      test.sessions.list('ada'),
      test.sessions.revoke(session.id),
      test.sessions.revokeAllForUser('ada'),
      test.sessions.issue({ userId: 'ada' }),
    ];
    for (const call of calls) await expect(call).rejects.toBe(failure);
    expect(announced).toEqual([]);
  });
});
