import { AsyncLocalStorage } from 'node:async_hooks';

import { beforeEach, describe, expect, it } from '@jest/globals';

import {
  newRequest,
  openLiveRequest,
  openRequest,
  rowOf,
  save,
  saveAs,
  savedSession,
} from '../../../../test/support/express-session-request.js';
import { createTestSessions, type TestSessions } from '../../../../test/support/session-service.js';
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

describe('a save', () => {
  it('keeps what requests in other processes wrote to other keys', async () => {
    const elsewhere = new ExpressSessionStore(test.sessions, {});
    const sid = await savedSession(store, { color: 'red' });
    const [first, second] = [
      await openLiveRequest(store, sid),
      await openLiveRequest(elsewhere, sid),
    ];
    first.session['size'] = 1;
    second.session['taste'] = 'sweet';
    delete second.session['color'];

    await Promise.all([save(first), save(second)]);

    const { session } = await openLiveRequest(store, sid);
    expect(session).toMatchObject({ size: 1, taste: 'sweet' });
    expect(session).not.toHaveProperty('color');
  });

  it('keeps what others wrote between two saves of one request', async () => {
    const sid = await savedSession(store, { count: 1 });
    const request = await openLiveRequest(store, sid);
    request.session['size'] = 1;
    await save(request);
    const other = await openLiveRequest(store, sid);
    other.session['count'] = 2;
    other.session['taste'] = 'sweet';
    await save(other);

    request.session['size'] = 2;
    await save(request);

    const { session } = await openLiveRequest(store, sid);
    expect(session).toMatchObject({ size: 2, count: 2, taste: 'sweet' });
  });

  it('keeps what others wrote since the request began the session', async () => {
    const request = newRequest(store, { color: 'red' });
    await save(request);
    const other = await openLiveRequest(store, request.sessionID);
    other.session['taste'] = 'sweet';
    await save(other);

    request.session['size'] = 1;
    await save(request);

    const { session } = await openLiveRequest(store, request.sessionID);
    expect(session).toMatchObject({ color: 'red', taste: 'sweet', size: 1 });
  });

  it('removes a key that an earlier save of the request wrote', async () => {
    const request = await openLiveRequest(store, await savedSession(store, { color: 'red' }));
    request.session['size'] = 1;
    await save(request);
    delete request.session['size'];
    await save(request);

    const { session } = await openLiveRequest(store, request.sessionID);

    expect(session).not.toHaveProperty('size');
  });

  it('finds a change deep inside a value', async () => {
    const sid = await savedSession(store, { cart: { items: [{ id: 1 }] } });
    const request = await openLiveRequest(store, sid);
    (request.session['cart'] as { items: object[] }).items.push({ id: 2 });
    await save(request);

    const { session } = await openLiveRequest(store, sid);

    expect(session['cart']).toEqual({ items: [{ id: 1 }, { id: 2 }] });
  });

  it('writes nothing when nothing changed', async () => {
    const sid = await savedSession(store, { color: 'red' }, { maxAge: minutes(10) });
    const request = await openLiveRequest(store, sid);

    request.session.touch();
    await save(request);

    expect((await rowOf(test.sessions, sid)).session.version).toBe(0);
  });

  it('writes nothing when express-session lost some milliseconds of the age of the cookie', async () => {
    const sid = await savedSession(store, { color: 'red' }, { maxAge: minutes(10) });
    const request = await openLiveRequest(store, sid);
    const { originalMaxAge } = request.session.cookie;
    request.session.cookie.originalMaxAge = (originalMaxAge ?? 0) - 20;

    await save(request);

    expect((await rowOf(test.sessions, sid)).session.version).toBe(0);
    expect((await openLiveRequest(store, sid)).session.cookie).toMatchObject({ originalMaxAge });
  });

  it('replaces the data when it comes without a request', async () => {
    const sid = await savedSession(store, { color: 'red' });
    const { session } = await openLiveRequest(store, sid);
    const { cookie } = session;

    await saveAs(store, sid, { session: { cookie, size: 1 } as never });

    const changed = await openLiveRequest(store, sid);
    expect(changed.session).toMatchObject({ size: 1 });
    expect(changed.session).not.toHaveProperty('color');
  });

  it('stores what JSON keeps, as every store of express-session', async () => {
    const at = new Date(0);
    const sid = await savedSession(store, { at, none: undefined, many: [undefined] });

    const { session } = await openLiveRequest(store, sid);

    expect(session['at']).toBe(at.toJSON());
    expect(session['many']).toEqual([null]);
    expect(session).not.toHaveProperty('none');
  });

  it('is refused when JSON cannot represent a value', async () => {
    await expect(save(newRequest(store, { big: 1n }))).rejects.toMatchObject({
      code: 'SESSION_DATA_NOT_JSON',
    });
    expect(await rowCount()).toBe(0);
  });

  it('is refused when it is too large, with the status 413', async () => {
    const request = newRequest(store, { text: 'x'.repeat(70_000) });

    await expect(save(request)).rejects.toMatchObject({
      code: 'SESSION_DATA_TOO_LARGE',
      status: 413,
    });
  });

  it('takes the data as it was at the call, though it waits for an earlier save', async () => {
    const request = newRequest(store, { color: 'red' });
    const first = save(request);
    request.session['color'] = 'blue';
    const second = save(request);
    request.session['color'] = 'green';
    await Promise.all([first, second]);

    const { session } = await openLiveRequest(store, request.sessionID);

    expect(session['color']).toBe('blue');
  });
});

describe('a callback', () => {
  it('is called within the async context of the caller', async () => {
    const scope = new AsyncLocalStorage<string>();
    const sid = await savedSession(store);

    const seen = await scope.run(
      'request',
      () => new Promise((resolve) => store.get(sid, () => resolve(scope.getStore()))),
    );

    expect(seen).toBe('request');
  });

  it('may be left out', async () => {
    const request = newRequest(store, { color: 'red' });
    request.session.save();
    store.destroy(request.sessionID);

    await new Promise((resolve) => store.destroy(request.sessionID, resolve));

    expect(await openRequest(store, request.sessionID)).toBeNull();
  });
});
