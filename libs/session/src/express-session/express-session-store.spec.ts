import { beforeEach, describe, expect, it } from '@jest/globals';

import {
  destroy,
  newRequest,
  openLiveRequest,
  openRequest,
  regenerate,
  rowOf,
  save,
  saveAs,
  savedSession,
  touch,
} from '../../../../test/support/express-session-request.js';
import { createTestSessions, type TestSessions } from '../../../../test/support/session-service.js';
import { days } from '../core/duration.js';
import { minutes } from '../core/duration.js';
import { ExpressSessionStore } from './express-session-store.js';

let test: TestSessions;
let store: ExpressSessionStore;

beforeEach(() => {
  test = createTestSessions();
  store = new ExpressSessionStore(test.sessions, {});
});

async function rowCount(): Promise<number> {
  return (await test.sessions.statistics()).sessions;
}

/** Ends what is live and deletes every row, as the worker does once the retention is over. */
async function purgeEverything(): Promise<void> {
  test.clock.advance(days(30));
  await test.sessions.purge();
  expect(await rowCount()).toBe(0);
}

describe('a new session', () => {
  it('is not stored before it is saved', async () => {
    newRequest(store, { color: 'red' });

    expect(await rowCount()).toBe(0);
  });

  it('is found with its data and the attributes of its cookie', async () => {
    const sid = await savedSession(store, { color: 'red' }, { secure: true, sameSite: 'strict' });

    const { session } = await openLiveRequest(store, sid);

    expect(session['color']).toBe('red');
    expect(JSON.parse(JSON.stringify(session.cookie))).toMatchObject({
      secure: true,
      sameSite: 'strict',
      httpOnly: true,
      originalMaxAge: null,
      expires: null,
    });
  });

  it('leaves nothing in the store that opens it', async () => {
    const sid = await savedSession(store, { color: 'red' });

    const record = await rowOf(test.sessions, sid);

    expect(JSON.stringify(record)).not.toContain(sid);
    expect(await openRequest(store, record.tokenHash)).toBeNull();
    expect(await openRequest(store, record.session.id)).toBeNull();
  });

  it('records who its client is', async () => {
    const { session } = await rowOf(test.sessions, await savedSession(store));

    expect(session).toMatchObject({ ip: '192.0.2.1', userAgent: 'spec' });
  });

  it('is not begun by a request that did not make its id', async () => {
    const { sessionID } = newRequest(store);
    const other = newRequest(store, { color: 'red' });

    await expect(saveAs(store, sessionID, other)).rejects.toMatchObject({
      code: 'SESSION_ENDED',
      status: 401,
    });
    expect(await rowCount()).toBe(0);
  });

  it('is not begun when it was destroyed before its first save', async () => {
    const request = newRequest(store, { color: 'red' });
    const { session } = request;
    await destroy(request);

    await expect(save({ ...request, session } as never)).rejects.toMatchObject({
      code: 'SESSION_ENDED',
    });
    expect(await rowCount()).toBe(0);
  });

  it('is written twice in a row by the request that began it', async () => {
    const request = newRequest(store, { color: 'red', size: 1 });
    const first = save(request);
    request.session['color'] = 'blue';
    delete request.session['size'];
    await Promise.all([first, save(request)]);

    const { session } = await openLiveRequest(store, request.sessionID);

    expect(session).toMatchObject({ color: 'blue' });
    expect(session).not.toHaveProperty('size');
  });
});

describe('an id that is not of a live session', () => {
  it.each(['', 'nonsense', 'a'.repeat(82)])('is no session: %j', async (sid) => {
    expect(await openRequest(store, sid)).toBeNull();
  });

  it('is no session when another application sealed it', async () => {
    const other = createTestSessions({ options: { secret: 'o'.repeat(32) } });
    const sid = await savedSession(new ExpressSessionStore(other.sessions, {}));

    expect(await openRequest(store, sid)).toBeNull();
  });

  it('is refused at a save, with the cure, when Curfew did not make it', async () => {
    const request = newRequest(store, { color: 'red' });

    await expect(saveAs(store, 'made by express-session', request)).rejects.toThrow(
      /SESSION_OPTIONS_INVALID.*`genid`/,
    );
    expect(await rowCount()).toBe(0);
  });
});

describe('a session that has ended', () => {
  it('is not found', async () => {
    const sid = await savedSession(store);
    await destroy(await openLiveRequest(store, sid));

    expect(await openRequest(store, sid)).toBeNull();
  });

  it('stays ended when a request saves it that loaded it before', async () => {
    const sid = await savedSession(store, { color: 'red' });
    const late = await openLiveRequest(store, sid);
    await destroy(await openLiveRequest(store, sid));

    late.session['color'] = 'blue';

    await expect(save(late)).rejects.toMatchObject({ code: 'SESSION_ENDED', status: 401 });
    expect((await rowOf(test.sessions, sid)).session).toMatchObject({ revokeReason: 'signed-out' });
  });

  it('gets no row back when a request saves it that loaded it before the purge', async () => {
    const sid = await savedSession(store, { color: 'red' });
    const late = await openLiveRequest(store, sid);
    await destroy(await openLiveRequest(store, sid));
    await purgeEverything();

    late.session['color'] = 'blue';

    await expect(save(late)).rejects.toMatchObject({ code: 'SESSION_ENDED' });
    expect(await rowCount()).toBe(0);
  });

  it('gets no row back from the request that began it', async () => {
    const request = newRequest(store, { color: 'red' });
    await save(request);
    await destroy(await openLiveRequest(store, request.sessionID));
    await purgeEverything();

    request.session['color'] = 'blue';

    await expect(save(request)).rejects.toMatchObject({ code: 'SESSION_ENDED' });
    expect(await rowCount()).toBe(0);
  });

  it('stays ended when it is saved with nothing changed, which is no error', async () => {
    const sid = await savedSession(store, { color: 'red' });
    const late = await openLiveRequest(store, sid);
    await destroy(await openLiveRequest(store, sid));

    await save(late);

    expect((await rowOf(test.sessions, sid)).session.revokedAt).not.toBeNull();
  });

  it('stays ended when a late touch arrives', async () => {
    const sid = await savedSession(store);
    const late = await openLiveRequest(store, sid);
    await destroy(await openLiveRequest(store, sid));
    test.clock.advance(minutes(5));

    await touch(late);
    await test.sessions.flushTouches();

    expect(await openRequest(store, sid)).toBeNull();
  });

  it('stays ended when a late touch brings another cookie', async () => {
    const sid = await savedSession(store);
    const late = await openLiveRequest(store, sid);
    await destroy(await openLiveRequest(store, sid));
    late.session.cookie.maxAge = days(1);

    await touch(late);

    expect(await openRequest(store, sid)).toBeNull();
  });

  it('may be destroyed and touched again', async () => {
    const sid = await savedSession(store);
    const [first, second] = [await openLiveRequest(store, sid), await openLiveRequest(store, sid)];
    await destroy(first);

    await touch(second);
    await destroy(second);

    expect((await rowOf(test.sessions, sid)).session).toMatchObject({ revokeReason: 'signed-out' });
  });

  it('is ended by a destroy that did not wait for the save before it', async () => {
    const request = newRequest(store, { color: 'red' });
    const { sessionID } = request;

    await Promise.all([save(request), destroy(request)]);

    expect(await openRequest(store, sessionID)).toBeNull();
    expect(await rowCount()).toBe(1);
  });

  it('is replaced by regenerate, and the old id is refused from then on', async () => {
    const request = await openLiveRequest(store, await savedSession(store, { color: 'red' }));
    const { session: old, sessionID: sid } = request;
    await regenerate(request);
    await save(request);

    old['color'] = 'blue';

    expect(request.sessionID).not.toBe(sid);
    expect(await openRequest(store, request.sessionID)).not.toBeNull();
    expect((await rowOf(test.sessions, sid)).session).toMatchObject({ revokeReason: 'replaced' });
    await expect(save({ ...request, session: old } as never)).rejects.toMatchObject({
      code: 'SESSION_ENDED',
    });
  });
});
