import { EventEmitter } from 'node:events';

import { beforeEach, describe, expect, it } from '@jest/globals';

import { captureLogs } from '../../../../test/support/captured-logger.js';
import { createTestSessions, type TestSessions } from '../../../../test/support/session-service.js';
import { SessionError } from '../core/errors.js';
import { MemorySessionStore } from '../testing/memory-session-store.js';
import { DomainEventListener, type InvalidatingEvent } from './domain-event-listener.js';

const LEFT: InvalidatingEvent = {
  event: 'user.left',
  userId: (payload) => (payload as { readonly userId: unknown }).userId,
  reason: 'user-left',
};

class DownStore extends MemorySessionStore {
  override transaction(): Promise<never> {
    return Promise.reject(new SessionError('SESSION_STORE_UNAVAILABLE', 'down'));
  }
}

/** Emits as EventEmitter2 does, and waits for the listeners. */
class AwaitingEmitter extends EventEmitter {
  emitAsync(event: string, payload?: unknown): Promise<unknown[]> {
    return Promise.all(this.listeners(event).map((listener) => listener(payload) as unknown));
  }
}

describe('DomainEventListener', () => {
  const logs = captureLogs();
  let test: TestSessions;
  let emitter: AwaitingEmitter;

  beforeEach(() => {
    test = createTestSessions();
    emitter = new AwaitingEmitter();
    logs.length = 0;
  });

  const listen = (...events: readonly InvalidatingEvent[]): (() => void) =>
    new DomainEventListener(test.sessions, events).listenTo(emitter);
  const isLive = async (id: string): Promise<boolean> =>
    (await test.sessions.find(id)) !== undefined;

  it('ends all sessions of the user whom an event names, for its reason', async () => {
    listen(LEFT);
    const { session, token } = await test.sessions.issue({ userId: 'ada' });
    const other = await test.sessions.issue({ userId: 'bob' });
    await emitter.emitAsync('user.left', { userId: 'ada' });
    expect(await isLive(session.id)).toBe(false);
    expect(await test.sessions.resolve(token)).toMatchObject({ reason: 'user-left' });
    expect(await isLive(other.session.id)).toBe(true);
    expect(logs).toEqual([]);
  });

  it.each([7, 7n])('takes the id %p as text', async (userId) => {
    listen(LEFT);
    const { session } = await test.sessions.issue({ userId: '7' });
    await emitter.emitAsync('user.left', { userId });
    expect(await isLive(session.id)).toBe(false);
  });

  it.each([
    [{}, 'it names no user id'],
    [{ userId: null }, 'it names no user id'],
    [{ userId: 1.5 }, 'it names no user id'],
    [{ userId: '' }, 'SESSION_USER_INVALID'],
    [{ userId: '*' }, 'SESSION_USER_INVALID'],
    [undefined, 'TypeError'],
  ])('logs an event with %j and throws nothing into the emitter', async (payload, why) => {
    listen(LEFT);
    const { session } = await test.sessions.issue({ userId: 'ada' });
    await expect(emitter.emitAsync('user.left', payload)).resolves.toHaveLength(1);
    expect(logs.join('\n')).toContain('no session ended event=user.left');
    expect(logs.join('\n')).toContain(why);
    expect(await isLive(session.id)).toBe(true);
  });

  it('logs an event that comes while the store is down', async () => {
    test = createTestSessions({ store: new DownStore() });
    listen(LEFT);
    await expect(emitter.emitAsync('user.left', { userId: 'ada' })).resolves.toHaveLength(1);
    expect(logs.join('\n')).toMatch(/no session ended event=user\.left.*SESSION_STORE_UNAVAILABLE/);
  });

  it('hears each of its events, and none after it was stopped', () => {
    const stop = listen(LEFT, { ...LEFT, event: 'user.banned' });
    expect(emitter.eventNames()).toEqual(['user.left', 'user.banned']);
    stop();
    expect(emitter.eventNames()).toEqual([]);
  });
});
