import { beforeEach, describe, expect, it } from '@jest/globals';

import {
  destroy,
  newRequest,
  openLiveRequest,
  openRequest,
  regenerate,
  save,
  savedSession,
} from '../../../../test/support/express-session-request.js';
import { createTestSessions, type TestSessions } from '../../../../test/support/session-service.js';
import { SessionError } from '../core/errors.js';
import { MemorySessionStore } from '../testing/memory-session-store.js';
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

describe('a store that is down', () => {
  class FailingStore extends MemorySessionStore {
    isDown = false;

    override find(id: string) {
      return this.#unless(() => super.find(id));
    }

    override transaction<T>(work: Parameters<MemorySessionStore['transaction']>[0]) {
      return this.#unless(() => super.transaction(work) as Promise<T>);
    }

    override update(...change: Parameters<MemorySessionStore['update']>) {
      return this.#unless(() => super.update(...change));
    }

    async #unless<T>(work: () => Promise<T>): Promise<T> {
      if (this.isDown) throw new SessionError('SESSION_STORE_UNAVAILABLE', 'Expected an answer.');
      return work();
    }
  }

  const outage = {
    code: 'SESSION_STORE_UNAVAILABLE',
    status: 503,
    statusCode: 503,
    headers: { 'Retry-After': '1' },
  };
  let failing: FailingStore;

  beforeEach(() => {
    failing = new FailingStore({ clock: test.clock });
    test = createTestSessions({ clock: test.clock, store: failing });
    store = new ExpressSessionStore(test.sessions, {});
  });

  it('is an error of every call, and never "no session"', async () => {
    const sid = await savedSession(store);
    const [changed, ended] = [await openLiveRequest(store, sid), await openLiveRequest(store, sid)];
    changed.session['color'] = 'red';
    failing.isDown = true;

    await expect(openRequest(store, sid)).rejects.toMatchObject(outage);
    await expect(save(newRequest(store))).rejects.toMatchObject(outage);
    await expect(save(changed)).rejects.toMatchObject(outage);
    await expect(destroy(ended)).rejects.toMatchObject(outage);
  });

  it('is an error of regenerate too, which still gives the request a new session', async () => {
    const request = await openLiveRequest(store, await savedSession(store));
    const old = request.sessionID;
    failing.isDown = true;

    await expect(regenerate(request)).rejects.toMatchObject(outage);
    expect(request.sessionID).not.toBe(old);
  });

  it('leaves no session behind that a later save of the same request would begin', async () => {
    const request = newRequest(store, { color: 'red' });
    failing.isDown = true;
    await expect(save(request)).rejects.toMatchObject(outage);
    failing.isDown = false;

    await expect(save(request)).rejects.toMatchObject({ code: 'SESSION_ENDED' });
    expect(await rowCount()).toBe(0);
  });
});
