import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';

import { FakeClock } from '../testing/fake-clock.js';
import { MemorySessionStore } from '../testing/memory-session-store.js';
import type { Touch } from './session-store.js';
import { TouchBuffer, type FlushOutcome } from './touch-buffer.js';

const FLUSH_MS = 1000;

/** A store that keeps what it is asked to touch, and fails when told to. */
class RecordingStore extends MemorySessionStore {
  readonly batches: (readonly Touch[])[] = [];
  failure: Error | undefined;

  override async touch(touches: readonly Touch[]): Promise<number> {
    this.batches.push(touches);
    if (this.failure !== undefined) throw this.failure;
    return touches.length;
  }
}

const activityOf = (id: string, ip: string | null = null) => ({
  id,
  idleTimeoutMs: null,
  ip,
  userAgent: null,
});

describe('TouchBuffer', () => {
  let clock: FakeClock;
  let store: RecordingStore;
  let buffer: TouchBuffer;
  let outcomes: FlushOutcome[];

  beforeEach(() => {
    jest.useFakeTimers();
    clock = new FakeClock();
    store = new RecordingStore({ clock });
    outcomes = [];
    buffer = new TouchBuffer(store, clock, FLUSH_MS, (outcome) => outcomes.push(outcome));
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('writes what has collected in one statement when its time is up', async () => {
    buffer.add(activityOf('a'));
    buffer.add(activityOf('b'));
    await jest.advanceTimersByTimeAsync(FLUSH_MS - 1);
    expect(store.batches).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(store.batches.map((batch) => batch.map(({ id }) => id))).toEqual([['a', 'b']]);
    expect(outcomes).toEqual([{ count: 2 }]);
  });

  it('counts its time from the first touch, and anew after a flush', async () => {
    buffer.add(activityOf('a'));
    await jest.advanceTimersByTimeAsync(FLUSH_MS / 2);
    buffer.add(activityOf('b'));
    await jest.advanceTimersByTimeAsync(FLUSH_MS / 2);
    buffer.add(activityOf('c'));
    await jest.advanceTimersByTimeAsync(FLUSH_MS);
    expect(store.batches.map((batch) => batch.map(({ id }) => id))).toEqual([['a', 'b'], ['c']]);
  });

  it('keeps the latest touch of a session', async () => {
    buffer.add(activityOf('a', '192.0.2.1'));
    clock.advance(10);
    buffer.add(activityOf('a', '192.0.2.2'));
    clock.advance(5);
    await buffer.flush();
    expect(store.batches).toEqual([[{ ...activityOf('a', '192.0.2.2'), ageMs: 5 }]]);
  });

  it('says how long each touch has waited', async () => {
    buffer.add(activityOf('a'));
    clock.advance(300);
    buffer.add(activityOf('b'));
    clock.advance(200);
    await buffer.flush();
    expect(store.batches[0]?.map(({ ageMs }) => ageMs)).toEqual([500, 200]);
  });

  it('dates no touch into the future when the clock is set back', async () => {
    buffer.add(activityOf('a'));
    clock.advance(-5000);
    await buffer.flush();
    expect(store.batches[0]?.[0]?.ageMs).toBe(0);
  });

  it('writes at once when a statement is full', async () => {
    for (let index = 0; index < 501; index += 1) buffer.add(activityOf(`${index}`));
    await jest.advanceTimersByTimeAsync(0);
    expect(store.batches.map((batch) => batch.length)).toEqual([500]);
    await buffer.flush();
    expect(store.batches.map((batch) => batch.length)).toEqual([500, 1]);
  });

  it('writes nothing without touches, and nothing twice', async () => {
    await buffer.flush();
    buffer.add(activityOf('a'));
    await Promise.all([buffer.flush(), buffer.flush()]);
    await jest.advanceTimersByTimeAsync(FLUSH_MS * 2);
    expect(store.batches).toHaveLength(1);
  });

  it('has three statements under way at most', async () => {
    const finish: (() => void)[] = [];
    const started: string[] = [];
    jest.spyOn(store, 'touch').mockImplementation((touches) => {
      started.push(touches[0]?.id ?? '');
      return new Promise((resolve) => finish.push(() => resolve(1)));
    });
    const flushed = ['a', 'b', 'c', 'd', 'e'].map((id) => {
      buffer.add(activityOf(id));
      return buffer.flush();
    });
    await jest.advanceTimersByTimeAsync(0);
    expect(started).toEqual(['a', 'b', 'c']);
    finish[0]?.();
    await flushed[0];
    expect(started).toEqual(['a', 'b', 'c', 'd']);
    finish[2]?.();
    await jest.advanceTimersByTimeAsync(0);
    expect(started).toEqual(['a', 'b', 'c', 'd']);
    finish[1]?.();
    await jest.advanceTimersByTimeAsync(0);
    expect(started).toEqual(['a', 'b', 'c', 'd', 'e']);
    for (const end of finish.slice(3)) end();
    await Promise.all(flushed);
  });

  it('goes on after a failure, which it reports and does not throw', async () => {
    store.failure = new Error('the database is down');
    buffer.add(activityOf('a'));
    await buffer.flush();
    store.failure = undefined;
    buffer.add(activityOf('b'));
    await buffer.flush();
    expect(outcomes).toEqual([{ lostCount: 1 }, { count: 1 }]);
  });

  it('holds no process open', () => {
    const timer = jest.spyOn(globalThis, 'setTimeout');
    buffer.add(activityOf('a'));
    const handle = timer.mock.results[0]?.value as NodeJS.Timeout;
    expect(handle.hasRef()).toBe(false);
  });
});
