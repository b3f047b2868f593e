import { beforeEach, describe, expect, it, jest } from '@jest/globals';

import { collectEvents } from '../../../../test/support/next-event.js';
import { createTestSessions, type TestSessions } from '../../../../test/support/session-service.js';
import { newSessionId } from './session-token.js';

describe('a revocation', () => {
  let test: TestSessions;

  beforeEach(() => {
    test = createTestSessions();
  });

  it('ends one session once, and announces it', async () => {
    const revoked = collectEvents(test.events, 'session:revoked');
    const { session, token } = await test.sessions.issue({ userId: 'ada' });
    const { id } = session;
    expect(await test.sessions.revoke(id, { reason: 'signed-out' })).toBe(true);
    expect(await test.sessions.revoke(id)).toBe(false);
    expect(await test.sessions.resolve(token)).toMatchObject({
      status: 'revoked',
      reason: 'signed-out',
    });
    expect(revoked).toEqual([{ sessionId: id, userId: 'ada', reason: 'signed-out' }]);
  });

  it("leaves another user's session alone", async () => {
    const { session, token } = await test.sessions.issue({ userId: 'ada' });
    expect(await test.sessions.revoke(session.id, { userId: 'bob' })).toBe(false);
    expect(await test.sessions.resolve(token)).toMatchObject({ status: 'active' });
    expect(await test.sessions.revoke(session.id, { userId: 'ada' })).toBe(true);
  });

  it('ends all sessions of a user but the excepted one', async () => {
    const announced = collectEvents(test.events, 'principal:revoked');
    const [kept, ended, other] = [
      await test.sessions.issue({ userId: 'ada' }),
      await test.sessions.issue({ userId: 'ada' }),
      await test.sessions.issue({ userId: 'bob' }),
    ];
    const options = { reason: 'password-changed', except: kept.session.id };
    await test.sessions.revokeAllForUser('ada', options);
    const states = await Promise.all(
      [kept, ended, other].map(async ({ token }) => (await test.sessions.resolve(token)).status),
    );
    expect(states).toEqual(['active', 'revoked', 'active']);
    expect(announced).toEqual([
      { userId: 'ada', reason: 'password-changed', exceptSessionId: kept.session.id },
    ]);
  });

  it('announces the end of all sessions of a user when others can see it', async () => {
    const seen: Promise<unknown>[] = [];
    test.events.on('principal:revoked', () => seen.push(test.store.stalePrincipals(10)));
    await test.sessions.revokeAllForUser('ada');
    expect(await Promise.all(seen)).toEqual([[{ userId: 'ada', epoch: 1, reason: 'revoked' }]]);
  });

  it("joins the caller's transaction where one is given", async () => {
    const within = jest.spyOn(test.store, 'within');
    const manager = { query: () => Promise.resolve() };
    await test.sessions.revokeAllForUser('ada', { manager });
    expect(within).toHaveBeenCalledWith(manager);
  });

  it("ends everyone's sessions", async () => {
    const issued = [await test.sessions.issue({ userId: 'ada' }), await test.sessions.issue({})];
    const announced = collectEvents(test.events, 'everyone:revoked');
    await test.sessions.revokeEveryone({ reason: 'incident' });
    for (const { token } of issued) {
      expect(await test.sessions.resolve(token)).toMatchObject({ status: 'revoked' });
    }
    expect(announced).toEqual([{ reason: 'incident' }]);
  });

  it.each([
    ['one session', () => test.sessions.revoke(newSessionId(0), { reason: 'Not a code!' })],
    ["a user's", () => test.sessions.revokeAllForUser('ada', { reason: 'x'.repeat(65) })],
    ["everyone's", () => test.sessions.revokeEveryone({ reason: '' })],
  ])('is refused for %s with a reason that is no code', async (_, revoke) => {
    await expect(revoke()).rejects.toMatchObject({ code: 'SESSION_REASON_INVALID' });
    expect(await test.store.stalePrincipals(1)).toEqual([]);
  });

  it('is refused for a user that cannot be', async () => {
    const refused = { code: 'SESSION_USER_INVALID' };
    await expect(test.sessions.revokeAllForUser('*')).rejects.toMatchObject(refused);
    await expect(test.sessions.revoke(newSessionId(0), { userId: '' })).rejects.toMatchObject(
      refused,
    );
  });
});
