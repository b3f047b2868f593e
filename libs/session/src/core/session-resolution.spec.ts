import { beforeEach, describe, expect, it, jest } from '@jest/globals';

import { collectEvents } from '../../../../test/support/next-event.js';
import { createTestSessions, type TestSessions } from '../../../../test/support/session-service.js';
import type { SessionModuleOptions } from '../session.options.js';
import { hours, minutes, seconds } from './duration.js';
import { newSessionId, SessionTokens } from './session-token.js';
import type { ActiveSession } from './session-resolution.js';

const GRACE_MS = seconds(30);
const rotating = { rotationIntervalMs: minutes(10), rotationGraceMs: GRACE_MS };
const nobody = { ip: null, userAgent: null };

async function resolveActive({ sessions }: TestSessions, token: string): Promise<ActiveSession> {
  const resolution = await sessions.resolve(token);
  if (resolution.status !== 'active') throw new Error(`Expected active, got ${resolution.status}`);
  return resolution;
}

/** Does at commit what a request does whose token is due for a rotation. */
async function rotatePeriodically(test: TestSessions, token: string): Promise<string | null> {
  const current = await resolveActive(test, token);
  const outcome = await test.sessions.commit({
    current,
    client: nobody,
    data: null,
    updates: [],
    signIn: null,
    rotation: 'due',
    expiry: {},
    authenticated: null,
  });
  return outcome.token;
}

describe('SessionService.resolve', () => {
  let test: TestSessions;
  const create = (options: Partial<SessionModuleOptions> = {}): void => {
    test = createTestSessions({ options });
  };

  beforeEach(() => create());

  describe('resolve', () => {
    it('opens the session with its token', async () => {
      const { token, session } = await test.sessions.issue({ userId: 'ada' });
      expect(await test.sessions.resolve(token)).toMatchObject({
        status: 'active',
        record: { session },
        successor: null,
      });
    });

    it('asks the store nothing where no good token is presented', async () => {
      const find = jest.spyOn(test.store, 'find');
      const { token } = new SessionTokens(['x'.repeat(32)]).mint(newSessionId(0), 0);
      expect(await test.sessions.resolve(undefined)).toEqual({ status: 'absent' });
      expect(await test.sessions.resolve(null)).toEqual({ status: 'absent' });
      for (const presented of ['', 'x', token, `${token}x`, 7, [token], {}]) {
        expect(await test.sessions.resolve(presented)).toEqual({ status: 'malformed' });
      }
      expect(find).not.toHaveBeenCalled();
    });

    it('finds nothing once the row is gone', async () => {
      const { token } = await test.sessions.issue({ userId: 'ada' });
      test.clock.advance(hours(72));
      await test.sessions.purge();
      expect(await test.sessions.resolve(token)).toEqual({ status: 'absent' });
    });

    it('says which deadline has passed', async () => {
      const { token } = await test.sessions.issue({ userId: 'ada' });
      test.clock.advance(minutes(30));
      expect(await test.sessions.resolve(token)).toMatchObject({ status: 'idle-expired' });
      test.clock.advance(hours(12));
      expect(await test.sessions.resolve(token)).toMatchObject({ status: 'absolute-expired' });
    });

    it('says why a session was revoked', async () => {
      const [one, two, three] = [
        await test.sessions.issue({ userId: 'ada' }),
        await test.sessions.issue({ userId: 'ada' }),
        await test.sessions.issue({}),
      ];
      await test.sessions.revoke(one.session.id, { reason: 'signed-out' });
      await test.sessions.revokeAllForUser('ada', { reason: 'password-changed' });
      await test.sessions.revokeEveryone({ reason: 'incident' });
      const states = await Promise.all(
        [one, two, three].map(({ token }) => test.sessions.resolve(token)),
      );
      expect(states).toMatchObject([
        { status: 'revoked', reason: 'signed-out' },
        { status: 'revoked' },
        { status: 'revoked', reason: 'incident' },
      ]);
    });

    it('applies a policy that was lowered to sessions that exist', async () => {
      const { token } = await test.sessions.issue({ userId: 'ada' });
      const lowered = createTestSessions({
        ...test,
        options: {
          policies: { default: { idleTimeoutMs: minutes(5), absoluteTimeoutMs: hours(1) } },
        },
      });
      test.clock.advance(minutes(5));
      expect(await test.sessions.resolve(token)).toMatchObject({ status: 'active' });
      expect(await lowered.sessions.resolve(token)).toMatchObject({ status: 'idle-expired' });
      test.clock.advance(hours(1));
      expect(await lowered.sessions.resolve(token)).toMatchObject({ status: 'absolute-expired' });
    });

    it('keeps a session whose policy is no longer defined', async () => {
      create({
        policies: { kiosk: { idleTimeoutMs: minutes(5), absoluteTimeoutMs: hours(1) } },
      });
      const { token } = await test.sessions.issue({ userId: 'ada', policy: 'kiosk' });
      const without = createTestSessions({ store: test.store, clock: test.clock });
      expect(await without.sessions.resolve(token)).toMatchObject({ status: 'active' });
      test.clock.advance(minutes(5));
      expect(await without.sessions.resolve(token)).toMatchObject({ status: 'idle-expired' });
    });
  });

  describe('a periodic rotation', () => {
    beforeEach(() => create(rotating));

    it('is due when the token is as old as the interval', async () => {
      const { token } = await test.sessions.issue({ userId: 'ada' });
      test.clock.advance(minutes(10) - 1);
      expect(test.sessions.isRotationDue(await resolveActive(test, token))).toBe(false);
      test.clock.advance(1);
      expect(test.sessions.isRotationDue(await resolveActive(test, token))).toBe(true);
      const next = await rotatePeriodically(test, token);
      expect(test.sessions.isRotationDue(await resolveActive(test, next ?? ''))).toBe(false);
      expect(test.sessions.isRotationDue(await resolveActive(test, token))).toBe(false);
    });

    it('is never due where no interval is set', async () => {
      create();
      const { token } = await test.sessions.issue({ userId: 'ada' });
      test.clock.advance(minutes(29));
      expect(test.sessions.isRotationDue(await resolveActive(test, token))).toBe(false);
    });

    it('gives every request of the old token the same new one within the grace', async () => {
      const { token } = await test.sessions.issue({ userId: 'ada' });
      const next = await rotatePeriodically(test, token);
      expect(next).not.toBe(token);
      test.clock.advance(GRACE_MS - 1);
      expect(await test.sessions.resolve(token)).toMatchObject({
        status: 'active',
        successor: next,
      });
      expect(await test.sessions.resolve(next)).toMatchObject({
        status: 'active',
        successor: null,
      });
    });

    it('gives requests at once the same new token', async () => {
      const { token } = await test.sessions.issue({ userId: 'ada' });
      const given = await Promise.all(
        Array.from({ length: 20 }, () => rotatePeriodically(test, token)),
      );
      expect(new Set(given).size).toBe(1);
      expect(await test.sessions.resolve(given[0])).toMatchObject({ status: 'active' });
    });

    it('ends the session when the old token is presented after the grace', async () => {
      const reused = collectEvents(test.events, 'session:reuse-detected');
      const revoked = collectEvents(test.events, 'session:revoked');
      const { token, session } = await test.sessions.issue({ userId: 'ada' });
      const next = await rotatePeriodically(test, token);
      test.clock.advance(GRACE_MS);
      const over = { status: 'revoked', reason: 'token-reused' };
      expect(await test.sessions.resolve(token)).toMatchObject(over);
      expect(await test.sessions.resolve(next)).toMatchObject(over);
      const reference = { sessionId: session.id, userId: 'ada' };
      expect(reused).toEqual([{ ...reference, generation: 0 }]);
      expect(revoked).toEqual([{ ...reference, reason: 'token-reused' }]);
    });

    it('only reports the reuse where the options say so', async () => {
      create({ ...rotating, onReuse: 'report' });
      const reused = collectEvents(test.events, 'session:reuse-detected');
      const { token } = await test.sessions.issue({ userId: 'ada' });
      const next = await rotatePeriodically(test, token);
      test.clock.advance(GRACE_MS);
      expect(await test.sessions.resolve(token)).toMatchObject({
        status: 'superseded',
        reused: true,
      });
      expect(await test.sessions.resolve(next)).toMatchObject({ status: 'active' });
      expect(reused).toHaveLength(1);
    });

    it('takes neither a token of two rotations ago nor one of the future for stolen', async () => {
      const { token } = await test.sessions.issue({ userId: 'ada' });
      const second = (await rotatePeriodically(test, token)) ?? '';
      const third = (await rotatePeriodically(test, second)) ?? '';
      const superseded = { status: 'superseded', reused: false };
      expect(await test.sessions.resolve(token)).toMatchObject(superseded);
      const tokens = new SessionTokens(['s'.repeat(32)]);
      const parsed = tokens.parse(third);
      if (parsed === undefined) throw new Error('Expected a good token');
      const future = tokens.successor(parsed).token;
      expect(await test.sessions.resolve(future)).toMatchObject(superseded);
      expect(await test.sessions.resolve(third)).toMatchObject({ status: 'active' });
    });

    it('takes a token newer than the row, as after a restored backup, for superseded at any time', async () => {
      const { session, token } = await test.sessions.issue({ userId: 'ada' });
      const future = new SessionTokens(['s'.repeat(32)]).mint(session.id, 1).token;
      test.clock.advance(minutes(5));
      expect(await test.sessions.resolve(future)).toMatchObject({
        status: 'superseded',
        reused: false,
      });
      expect(await test.sessions.resolve(token)).toMatchObject({ status: 'active' });
    });

    it('takes a sealed token with another secret for superseded', async () => {
      const { session, token } = await test.sessions.issue({ userId: 'ada' });
      const forged = new SessionTokens(['s'.repeat(32)]).mint(session.id, 0).token;
      expect(await test.sessions.resolve(forged)).toMatchObject({
        status: 'superseded',
        reused: false,
      });
      expect(await test.sessions.resolve(token)).toMatchObject({ status: 'active' });
    });
  });
});
