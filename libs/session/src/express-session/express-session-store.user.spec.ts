import { beforeEach, describe, expect, it } from '@jest/globals';

import {
  newRequest,
  openLiveRequest,
  openRequest,
  rowOf,
  save,
  savedSession,
} from '../../../../test/support/express-session-request.js';
import { createTestSessions, type TestSessions } from '../../../../test/support/session-service.js';
import { days } from '../core/duration.js';
import { MemorySessionStore } from '../testing/memory-session-store.js';
import { ExpressSessionStore } from './express-session-store.js';

let test: TestSessions;
let store: ExpressSessionStore;

beforeEach(() => {
  test = createTestSessions();
  store = new ExpressSessionStore(test.sessions, {});
});

describe('the user', () => {
  it.each([
    ['ann', 'ann'],
    [7, '7'],
    [0, '0'],
  ])('is what Passport serialized: %j', async (user, userId) => {
    await savedSession(store, { passport: { user } });

    expect((await test.sessions.list(userId)).sessions).toHaveLength(1);
  });

  it.each([{}, { passport: {} }, { passport: null }])('is nobody for %j', async (data) => {
    const { session } = await rowOf(test.sessions, await savedSession(store, data));

    expect(session).toMatchObject({ userId: null, policy: 'anonymous' });
  });

  it('is refused, with the cure, where Passport serialized an object', async () => {
    await expect(save(newRequest(store, { passport: { user: { id: 7 } } }))).rejects.toThrow(
      /SESSION_USER_INVALID.*`userId` option/,
    );
  });

  it('is what the option makes of the data', async () => {
    const custom = new ExpressSessionStore(test.sessions, {
      userId: (session) => (session as { account?: { id: string } }).account?.id,
    });
    await savedSession(custom, { account: { id: 'bob' } });

    expect((await test.sessions.list('bob')).sessions).toHaveLength(1);
  });

  it('begins a session the way the option says', async () => {
    const custom = new ExpressSessionStore(test.sessions, {
      signIn: (session, request) => ({
        policy: session.cookie.maxAge ? 'default' : 'anonymous',
        aal: 2,
        amr: ['pwd', request.ip ?? ''],
      }),
    });
    const sid = await savedSession(custom, { passport: { user: 'ann' } }, { maxAge: days(1) });

    expect((await rowOf(test.sessions, sid)).session).toMatchObject({
      policy: 'default',
      aal: 2,
      amr: ['pwd', '192.0.2.1'],
    });
  });

  it('is not signed in by a credential that was changed meanwhile', async () => {
    const { clock } = test;
    const memory = new MemorySessionStore({
      clock,
      verifyCredential: (_, credential) => credential === 'new hash',
    });
    const { sessions } = createTestSessions({ clock, store: memory });
    const custom = new ExpressSessionStore(sessions, {
      signIn: () => ({ credential: 'old hash' }),
    });

    await expect(save(newRequest(custom, { passport: { user: 'ann' } }))).rejects.toMatchObject({
      code: 'SESSION_CREDENTIAL_CHANGED',
      status: 401,
    });
    expect((await sessions.statistics()).sessions).toBe(0);
  });

  it('is not put on a session that was issued without one', async () => {
    const sid = await savedSession(store, { color: 'red' });
    const request = await openLiveRequest(store, sid);
    request.session['passport'] = { user: 'ann' };

    await expect(save(request)).rejects.toThrow(/SESSION_REGENERATE_REQUIRED.*regenerate/);
    const { session } = await openLiveRequest(store, sid);
    expect(session).not.toHaveProperty('passport');
    expect((await test.sessions.list('ann')).sessions).toEqual([]);
  });

  it('is not exchanged for another', async () => {
    const sid = await savedSession(store, { passport: { user: 'ann' } });
    const request = await openLiveRequest(store, sid);
    request.session['passport'] = { user: 'bob' };

    await expect(save(request)).rejects.toMatchObject({ code: 'SESSION_REGENERATE_REQUIRED' });
    const { session } = await openLiveRequest(store, sid);
    expect(session['passport']).toEqual({ user: 'ann' });
  });

  it('takes the session along when it is removed from it', async () => {
    const sid = await savedSession(store, { passport: { user: 'ann' } });
    const request = await openLiveRequest(store, sid);
    delete (request.session['passport'] as { user?: string }).user;
    await save(request);

    expect(await openRequest(store, sid)).toBeNull();
    expect((await rowOf(test.sessions, sid)).session).toMatchObject({ revokeReason: 'signed-out' });
  });

  it('loses all sessions at once when they are revoked', async () => {
    const sids = [
      await savedSession(store, { passport: { user: 'ann' } }),
      await savedSession(store, { passport: { user: 'ann' } }),
    ];
    const late = await openLiveRequest(store, sids[0]!);

    await test.sessions.revokeAllForUser('ann', { reason: 'password-changed' });

    late.session['color'] = 'red';
    await expect(save(late)).rejects.toMatchObject({ code: 'SESSION_ENDED' });
    for (const sid of sids) expect(await openRequest(store, sid)).toBeNull();
  });
});
