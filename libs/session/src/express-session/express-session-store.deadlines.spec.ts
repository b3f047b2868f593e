import { beforeEach, describe, expect, it } from '@jest/globals';

import {
  openLiveRequest,
  openRequest,
  rowOf,
  save,
  savedSession,
  touch,
} from '../../../../test/support/express-session-request.js';
import { createTestSessions, type TestSessions } from '../../../../test/support/session-service.js';
import { days, minutes, seconds } from '../core/duration.js';
import { ExpressSessionStore } from './express-session-store.js';

let test: TestSessions;
let store: ExpressSessionStore;

beforeEach(() => {
  test = createTestSessions();
  store = new ExpressSessionStore(test.sessions, {});
});

/** express-session reads the clock twice to work out the age of a cookie. */
const about = (ms: number): unknown => expect.closeTo(ms, -3);

describe('the deadlines', () => {
  it('are those of the policy for a cookie that lives as long as the browser', async () => {
    const { session } = await rowOf(
      test.sessions,
      await savedSession(store, { passport: { user: 'ann' } }),
    );

    expect(session).toMatchObject({ idleTimeoutMs: minutes(30), persistent: false });
  });

  it('follow the cookie where that is shorter', async () => {
    const sid = await savedSession(store, {}, { maxAge: minutes(10) });

    expect((await rowOf(test.sessions, sid)).session).toMatchObject({
      idleTimeoutMs: about(minutes(10)),
      persistent: true,
    });
    test.clock.advance(minutes(10));
    expect(await openRequest(store, sid)).toBeNull();
  });

  it('stay those of the policy where the cookie is longer', async () => {
    const sid = await savedSession(store, { passport: { user: 'ann' } }, { maxAge: days(14) });
    test.clock.advance(minutes(30));

    expect(await openRequest(store, sid)).toBeNull();
  });

  it('are told by the cookie that is loaded', async () => {
    const sid = await savedSession(store, {}, { maxAge: minutes(10) });
    test.clock.advance(minutes(4));

    const { session } = await openLiveRequest(store, sid);

    expect(session.cookie).toMatchObject({ originalMaxAge: about(minutes(10)) });
    expect(session.cookie.maxAge).toBeLessThanOrEqual(minutes(6));
    expect(session.cookie.maxAge).toBeGreaterThan(minutes(5));
  });

  it.each([0, -5])('are at once for a cookie with the age %d', async (maxAge) => {
    const sid = await savedSession(store, {}, { maxAge });
    test.clock.advance(1);

    expect(await openRequest(store, sid)).toBeNull();
  });

  it('move with activity, a save with nothing changed included', async () => {
    const sid = await savedSession(store, {}, { maxAge: minutes(10) });
    for (const act of [touch, save]) {
      test.clock.advance(minutes(6));
      await act(await openLiveRequest(store, sid));
      await test.sessions.flushTouches();
    }

    test.clock.advance(minutes(6));

    expect(await openRequest(store, sid)).not.toBeNull();
  });

  it('move for a cookie that is shorter than the touch interval', async () => {
    const sid = await savedSession(store, {}, { maxAge: seconds(30) });
    test.clock.advance(seconds(20));
    await touch(await openLiveRequest(store, sid));
    await test.sessions.flushTouches();

    test.clock.advance(seconds(20));

    expect(await openRequest(store, sid)).not.toBeNull();
  });

  it('are not written again within the touch interval', async () => {
    const sid = await savedSession(store);
    const { session: before } = await rowOf(test.sessions, sid);
    test.clock.advance(seconds(30));

    await touch(await openLiveRequest(store, sid));
    await test.sessions.flushTouches();

    expect((await rowOf(test.sessions, sid)).session).toEqual(before);
  });

  it.each([
    ['touch', touch],
    ['save', save],
  ])('change when the cookie is given another age, seen at the next %s', async (_, act) => {
    const sid = await savedSession(store, { color: 'red' });
    const request = await openLiveRequest(store, sid);
    request.session.cookie.maxAge = minutes(5);
    request.session.cookie.originalMaxAge = minutes(5);
    await act(request);
    expect((await rowOf(test.sessions, sid)).session).toMatchObject({
      idleTimeoutMs: about(minutes(5)),
      persistent: true,
    });

    const later = await openLiveRequest(store, sid);
    later.session.cookie.expires = null;
    await act(later);

    expect((await rowOf(test.sessions, sid)).session).toMatchObject({
      idleTimeoutMs: minutes(120),
      persistent: false,
    });
    expect((await openLiveRequest(store, sid)).session['color']).toBe('red');
  });

  it('end a session at the absolute timeout however active it is', async () => {
    const sid = await savedSession(store, { passport: { user: 'ann' } });
    for (let elapsed = 0; elapsed < 36; elapsed += 1) {
      test.clock.advance(minutes(20));
      const request = await openRequest(store, sid);
      if (request !== null) await touch(request);
      await test.sessions.flushTouches();
    }

    expect(await openRequest(store, sid)).toBeNull();
    expect(await test.sessions.resolve(sid)).toMatchObject({ status: 'absolute-expired' });
  });
});
