import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';

import { days, hours, minutes } from '../core/duration.js';
import { SessionError } from '../core/errors.js';
import { SessionEvents } from '../core/session-events.js';
import { LOWEST_ID } from '../core/session-id.js';
import type { PurgeOptions } from '../core/session-purge.js';
import type {
  PurgeBatch,
  PurgeBatchRequest,
  PurgeRange,
  PurgeRangeRequest,
} from '../core/session-store.js';
import { newSessionId } from '../core/session-token.js';
import { FakeClock } from '../testing/fake-clock.js';
import { MemorySessionStore } from '../testing/memory-session-store.js';
import { PurgeRunner } from './purge-runner.js';

const NOW = Date.UTC(2026, 0, 1);
const PACING = {
  targetStatementMs: 25,
  flatOutStatementMs: 50,
  maxBatchSize: 1000,
  maxSpan: 4000,
};

/** A store that remembers what it was asked, with statements that take no time unless `takesMs` says so. */
class ObservedStore extends MemorySessionStore {
  readonly batches: PurgeBatchRequest[] = [];
  readonly ranges: PurgeRangeRequest[] = [];
  takesMs = 0;
  shares = 0;
  failures = 0;

  override async purgeBatch(request: PurgeBatchRequest): Promise<PurgeBatch> {
    this.batches.push(request);
    return super.purgeBatch(request);
  }

  override async overdueShare(cutoff: number): Promise<number> {
    this.shares += 1;
    return super.overdueShare(cutoff);
  }

  override async purgeRange(request: PurgeRangeRequest): Promise<PurgeRange> {
    this.ranges.push(request);
    jest.advanceTimersByTime(this.takesMs);
    if (this.failures > 0) {
      this.failures -= 1;
      throw new SessionError('SESSION_STORE_UNAVAILABLE', 'down');
    }
    return super.purgeRange(request);
  }
}

/** Runs the purge to its end, letting its pauses pass. */
async function settle<T>(run: Promise<T>): Promise<T> {
  let isSettled = false;
  run.then(
    () => (isSettled = true),
    () => (isSettled = true),
  );
  while (!isSettled) await jest.advanceTimersToNextTimerAsync();
  return run;
}

describe('PurgeRunner on a backlog', () => {
  const clock = new FakeClock(NOW);
  const events = new SessionEvents();
  let store: ObservedStore;
  let runner: PurgeRunner;

  beforeEach(() => {
    jest.useFakeTimers();
    clock.set(NOW);
    store = new ObservedStore({ clock, retentionMs: 0, purgeBucketMs: minutes(1) });
    runner = new PurgeRunner(store, events, PACING);
  });
  afterEach(() => void jest.useRealTimers());

  const run = (options: PurgeOptions = {}) => settle(runner.run(options));

  /** Inserts sessions a second apart, of which those that the condition names are due an hour later. */
  async function insert(count: number, isDue: (index: number) => boolean): Promise<string[]> {
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const id = newSessionId(NOW + 1000 * ids.push(''));
      ids[index] = id;
      await store.insert({
        id,
        tokenHash: '0'.repeat(64),
        generation: 0,
        userId: 'u1',
        policy: 'default',
        persistent: false,
        idleTimeoutMs: isDue(index) ? minutes(1 + (index % 50)) : hours(2),
        absoluteTimeoutMs: days(1),
        expiresAt: null,
        aal: null,
        amr: null,
        ip: null,
        userAgent: null,
        data: null,
      });
    }
    clock.advance(hours(1));
    return ids;
  }

  it('walks through the table where a tenth of it is due', async () => {
    await insert(6000, (index) => index % 2 === 0);
    const report = await run();

    expect(report).toMatchObject({
      deleted: 3000,
      byReason: { 'idle-expired': 3000 },
      more: false,
      oldestOverdueMs: minutes(59),
      strategy: 'walk',
    });
    expect(await store.statistics()).toMatchObject({ sessions: 3000, overdue: 0 });
    expect(store.batches.length + store.ranges.length).toBe(report.batches);
    expect(store.ranges.length).toBeGreaterThan(1);
  });

  it('keeps to the index where less is due, and asks only once', async () => {
    await insert(30_000, (index) => index % 12 === 0);
    const report = await run();

    expect(report).toMatchObject({ deleted: 2500, more: false, strategy: 'index' });
    expect(store.shares).toBe(1);
    expect(store.ranges).toEqual([]);
  });

  it('does not ask what is due of the table while few rows are', async () => {
    await insert(1900, () => true);
    expect(await run()).toMatchObject({ deleted: 1900, strategy: 'index' });
    expect(store.shares).toBe(0);
  });

  it('begins a walk at the lowest id that the index named, and ends it with what is below', async () => {
    const ids = await insert(8000, (index) => index >= 2000);
    const { deleted, more } = await run();

    expect({ deleted, more }).toEqual({ deleted: 6000, more: false });
    expect(store.ranges[0]?.after).toBe(ids.find((_, index) => index >= 2000 && index % 50 === 0));
    expect(store.ranges.some(({ after }) => after === LOWEST_ID)).toBe(true);
    expect(await store.statistics()).toMatchObject({ sessions: 2000, overdue: 0 });
  });

  it('deletes what is due below the place where a walk began', async () => {
    // The index comes to it late.
    const ids = await insert(8000, (index) => index === 45 || index >= 4000);
    await run();
    expect((store.ranges[0]?.after ?? '') > (ids[45] ?? '')).toBe(true);
    expect(await store.statistics()).toMatchObject({ overdue: 0 });
  });

  it('enters the index after a walk past all that the walk has deleted', async () => {
    await insert(6000, (index) => index % 2 === 0);
    await run();
    expect(store.batches.at(-1)?.watermark).toBe(clock.now());
  });

  it('goes on with the next run where the budget ended, not by the index over what was walked', async () => {
    await insert(7000, () => true);
    store.takesMs = 13;
    const first = await run({ budgetMs: 300 });
    const reached = store.ranges.at(-1)?.after ?? '';
    expect(first).toMatchObject({ more: true, strategy: 'walk' });
    expect(store.ranges.length).toBeGreaterThan(2);

    store.ranges.length = 0;
    store.batches.length = 0;
    const walkedAt = clock.now();
    clock.advance(minutes(20));
    const second = await run();
    expect(second).toMatchObject({ more: false, strategy: 'walk' });
    expect((store.ranges[0]?.after ?? '') > reached).toBe(true);
    expect(first.deleted + second.deleted).toBe(7000);
    // What became due since the walk began may lie below where it was then.
    expect(store.batches.map(({ watermark }) => watermark)).toEqual([walkedAt]);
  });

  it('works a tenth of the time, and all of it flat out', async () => {
    await insert(4000, () => true);
    store.takesMs = 20;
    const gentle = await run();
    const walked = store.ranges.length;
    expect(gentle.durationMs).toBe(walked * 200);

    await insert(4000, () => true);
    store.ranges.length = 0;
    const flatOut = await run({ pacing: 'flat-out' });
    expect(flatOut).toMatchObject({ deleted: 4000, more: false });
    expect(flatOut.durationMs).toBe(store.ranges.length * 20);
  });

  it('learns the span of a range from the time that it takes, apart from the size of a batch', async () => {
    await insert(4000, () => true);
    store.takesMs = 30;
    await run({ budgetMs: 1000 });
    const spans = store.ranges.map(({ span }) => span);
    expect(spans.slice(0, 4)).toEqual([500, 250, 200, 200]);
    expect(store.batches.map(({ limit }) => limit).slice(0, 3)).toEqual([500, 750, 1000]);
  });

  it('tries a range that failed again, half as wide, from where it was', async () => {
    await insert(4000, () => true);
    store.failures = 2;
    const { deleted } = await run();
    const [first, second, third] = store.ranges;
    expect(deleted).toBe(4000);
    expect([second, third]).toEqual([
      { ...first, span: 250 },
      { ...first, span: 125 },
    ]);
  });

  it('stops between two ranges when its signal is aborted', async () => {
    await insert(4000, () => true);
    const controller = new AbortController();
    store.takesMs = 20;
    const running = runner.run({ signal: controller.signal });
    while (store.ranges.length < 2) await jest.advanceTimersToNextTimerAsync();
    controller.abort();
    expect(await settle(running)).toMatchObject({ more: true, strategy: 'walk' });
    expect(store.ranges).toHaveLength(2);
  });

  it('has sessions named only while somebody listens, and then announces each once', async () => {
    const announced: string[] = [];
    await insert(4000, () => true);
    await run();
    expect(store.ranges.every(({ isNaming }) => !isNaming)).toBe(true);

    const ids = await insert(4000, () => true);
    store.ranges.length = 0;
    const stop = events.on('session:expired', ({ sessionId }) => announced.push(sessionId));
    await run();
    stop();
    expect(store.ranges.every(({ isNaming }) => isNaming)).toBe(true);
    expect(announced.toSorted()).toEqual(ids.toSorted());
  });
});
