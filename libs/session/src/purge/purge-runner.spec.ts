import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';

import { days, hours, minutes } from '../core/duration.js';
import { SessionError } from '../core/errors.js';
import { SessionEvents } from '../core/session-events.js';
import type { PurgeReport } from '../core/session-purge.js';
import type { PurgeBatch, PurgeBatchRequest, PurgedSession } from '../core/session-store.js';
import { FakeClock } from '../testing/fake-clock.js';
import { MemorySessionStore } from '../testing/memory-session-store.js';
import { ONE_WRITER_PACING } from './pacing.js';
import { PurgeRunner } from './purge-runner.js';

const NOW = Date.UTC(2026, 0, 1);

/** A store whose batches follow a script, each taking the time that the script says. */
class ScriptedStore extends MemorySessionStore {
  readonly requests: PurgeBatchRequest[] = [];
  /** By default nobody would walk. */
  share = 0;

  constructor(
    private readonly script: (request: PurgeBatchRequest, index: number) => ScriptedBatch,
  ) {
    super({ clock: new FakeClock(NOW) });
  }

  override async overdueShare(): Promise<number> {
    return this.share;
  }

  override async purgeBatch(request: PurgeBatchRequest): Promise<PurgeBatch> {
    const { takesMs = 0, fails, ...batch } = this.script(request, this.requests.push(request) - 1);
    jest.advanceTimersByTime(takesMs);
    if (fails !== undefined) throw fails;
    return { selected: 0, deleted: [], watermark: request.watermark, ...batch };
  }
}

interface ScriptedBatch extends Partial<PurgeBatch> {
  readonly takesMs?: number;
  readonly fails?: Error;
}

const unavailable = new SessionError('SESSION_STORE_UNAVAILABLE', 'down');

function rows(count: number, row: Partial<PurgedSession> = {}): PurgedSession[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `${index}`,
    userId: 'u1',
    reason: 'idle-expired',
    purgeAt: NOW,
    ...row,
  }));
}

const fullBatch = ({ limit }: PurgeBatchRequest): PurgeBatch => ({
  selected: limit,
  deleted: rows(limit),
  watermark: NOW,
});

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

describe('PurgeRunner', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('purges by the clock at which it began, on from the watermark, until a batch is short', async () => {
    const store = new ScriptedStore(({ limit }, index) =>
      index < 2
        ? { selected: limit, deleted: rows(limit), watermark: NOW - 2000 + index }
        : { selected: 1, deleted: rows(1), watermark: NOW },
    );
    const report = await settle(new PurgeRunner(store, new SessionEvents()).run());

    expect(store.requests).toEqual([
      { cutoff: NOW, watermark: 0, limit: 500 },
      { cutoff: NOW, watermark: NOW - 2000, limit: 750 },
      { cutoff: NOW, watermark: NOW - 1999, limit: 1125 },
    ]);
    expect(report).toMatchObject({ deleted: 1251, batches: 3, more: false, strategy: 'index' });
  });

  it('enters the index at its left end, for what the run before had to pass over', async () => {
    const store = new ScriptedStore(() => ({ selected: 1, deleted: rows(1), watermark: NOW - 7 }));
    const runner = new PurgeRunner(store, new SessionEvents());
    await settle(runner.run());
    await settle(runner.run());
    expect(store.requests.map(({ watermark }) => watermark)).toEqual([0, 0]);
  });

  it('enters it where the run before left it if that was slow, or if many rows were deleted', async () => {
    const slow = new ScriptedStore(() => ({ takesMs: 1000, watermark: NOW - 7 }));
    const large = new ScriptedStore(({ limit }, index) => ({
      selected: index < 6 ? limit : 1,
      deleted: rows(index < 6 ? limit : 1),
      watermark: NOW - 7,
    }));
    for (const store of [slow, large]) {
      const runner = new PurgeRunner(store, new SessionEvents());
      await settle(runner.run());
      store.requests.length = 0;
      await settle(runner.run());
      expect(store.requests[0]?.watermark).toBe(NOW - 7);
    }
  });

  it('enters it at its left end all the same where the run before passed over rows', async () => {
    const store = new ScriptedStore(() => ({
      selected: 2,
      deleted: rows(1),
      takesMs: 1000,
      watermark: NOW - 7,
    }));
    const runner = new PurgeRunner(store, new SessionEvents());
    await settle(runner.run());
    await settle(runner.run());
    expect(store.requests.map(({ watermark }) => watermark)).toEqual([0, 0]);
  });

  it('reports reasons, the slowest statement and the most overdue row', async () => {
    const store = new ScriptedStore(({ limit }, index) =>
      index === 0
        ? { selected: limit, deleted: rows(limit, { purgeAt: NOW - 5000 }), takesMs: 40 }
        : { selected: 2, deleted: rows(2, { reason: 'signed-out' }), takesMs: 10 },
    );
    const report = await settle(new PurgeRunner(store, new SessionEvents()).run());

    expect(report).toEqual({
      deleted: 502,
      byReason: { 'idle-expired': 500, 'signed-out': 2 },
      batches: 2,
      durationMs: 40 + 360 + 10,
      slowestStatementMs: 40,
      more: false,
      oldestOverdueMs: 5000,
      strategy: 'index',
    });
  });

  it('keeps to the largest batch that it is given', async () => {
    const store = new ScriptedStore((request, index) => (index < 5 ? fullBatch(request) : {}));
    await settle(new PurgeRunner(store, new SessionEvents(), ONE_WRITER_PACING).run());

    expect(new Set(store.requests.map(({ limit }) => limit))).toEqual(new Set([200]));
  });

  it('works a tenth of the time', async () => {
    const store = new ScriptedStore((request, index) =>
      index < 10 ? { ...fullBatch(request), takesMs: 25 } : {},
    );
    const { durationMs } = await settle(new PurgeRunner(store, new SessionEvents()).run());

    expect(durationMs).toBe(10 * (25 + 225));
  });

  it('does not pause when nothing is left', async () => {
    const store = new ScriptedStore(() => ({ takesMs: 1000 }));
    const { durationMs } = await settle(new PurgeRunner(store, new SessionEvents()).run());

    expect(durationMs).toBe(1000);
  });

  it('ends with its budget and says that there is more', async () => {
    const store = new ScriptedStore((request) => ({ ...fullBatch(request), takesMs: 20 }));
    const report = await settle(
      new PurgeRunner(store, new SessionEvents()).run({ budgetMs: 2000 }),
    );

    expect(report.more).toBe(true);
    expect(report.batches).toBe(10);
    expect(report.durationMs).toBeLessThanOrEqual(2000);
  });

  it('stops between two batches when its signal is aborted', async () => {
    const controller = new AbortController();
    const store = new ScriptedStore((request, index) => {
      if (index === 2) controller.abort();
      return { ...fullBatch(request), takesMs: 20 };
    });
    const report = await settle(
      new PurgeRunner(store, new SessionEvents()).run({ signal: controller.signal }),
    );

    expect(report).toMatchObject({ batches: 3, more: true });
  });

  it('touches nothing with a signal that was aborted before', async () => {
    const store = new ScriptedStore(fullBatch);
    const report = await settle(
      new PurgeRunner(store, new SessionEvents()).run({ signal: AbortSignal.abort() }),
    );

    expect(store.requests).toEqual([]);
    expect(report).toMatchObject({ deleted: 0, batches: 0, more: true });
  });

  it('says that there is more when rows were passed over', async () => {
    const store = new ScriptedStore(() => ({ selected: 3, deleted: rows(2) }));
    const report = await settle(new PurgeRunner(store, new SessionEvents()).run());

    expect(report).toMatchObject({ deleted: 2, more: true });
  });

  it('ends when a whole batch of rows cannot be deleted', async () => {
    const store = new ScriptedStore(({ limit }) => ({ selected: limit }));
    const report = await settle(new PurgeRunner(store, new SessionEvents()).run());

    expect(report).toMatchObject({ deleted: 0, batches: 1, more: true });
  });

  it('tries a batch that failed again, half as large', async () => {
    const store = new ScriptedStore((_request, index) => (index < 2 ? { fails: unavailable } : {}));
    const report = await settle(new PurgeRunner(store, new SessionEvents()).run());

    expect(store.requests.map(({ limit }) => limit)).toEqual([500, 250, 125]);
    expect(report).toMatchObject({ batches: 1, more: false });
  });

  it('rejects and raises purge:failed when the store stays down', async () => {
    const store = new ScriptedStore(() => ({ fails: unavailable }));
    const events = new SessionEvents();
    const failures: Error[] = [];
    events.on('purge:failed', ({ error }) => failures.push(error));

    await expect(settle(new PurgeRunner(store, events).run())).rejects.toBe(unavailable);
    expect(failures).toEqual([unavailable]);
    expect(store.requests).toHaveLength(3);
  });

  it('does not repeat a batch that failed for another reason', async () => {
    const store = new ScriptedStore(() => ({ fails: new TypeError('bug') }));

    await expect(settle(new PurgeRunner(store, new SessionEvents()).run())).rejects.toThrow('bug');
    expect(store.requests).toHaveLength(1);
  });

  it('raises purge:completed with the report, and session:expired for what ended by itself', async () => {
    const deleted = [
      ...rows(1, { id: 'idle' }),
      ...rows(1, { id: 'absolute', reason: 'absolute-expired', userId: null }),
      ...rows(1, { id: 'revoked', reason: 'signed-out' }),
    ];
    const store = new ScriptedStore(() => ({ selected: 3, deleted }));
    const events = new SessionEvents();
    const completed: PurgeReport[] = [];
    const expired: unknown[] = [];
    events.on('purge:completed', (report) => completed.push(report));
    events.on('session:expired', (event) => expired.push(event));
    const report = await settle(new PurgeRunner(store, events).run());

    expect(completed).toEqual([report]);
    expect(expired).toEqual([
      { sessionId: 'idle', userId: 'u1', reason: 'idle-expired' },
      { sessionId: 'absolute', userId: null, reason: 'absolute-expired' },
    ]);
  });

  it('deletes what is due and keeps what is not', async () => {
    const clock = new FakeClock(NOW);
    const store = new MemorySessionStore({ clock, retentionMs: 0, purgeBucketMs: minutes(1) });
    const session = {
      tokenHash: '0'.repeat(64),
      generation: 0,
      userId: 'u1',
      policy: 'default',
      persistent: false,
      absoluteTimeoutMs: days(1),
      expiresAt: null,
      aal: null,
      amr: null,
      ip: null,
      userAgent: null,
      data: null,
    };
    await store.insert({ ...session, id: 'short', idleTimeoutMs: minutes(30) });
    await store.insert({ ...session, id: 'long', idleTimeoutMs: hours(2) });
    clock.advance(hours(1));
    const report = await settle(new PurgeRunner(store, new SessionEvents()).run());

    expect(report).toMatchObject({
      deleted: 1,
      byReason: { 'idle-expired': 1 },
      oldestOverdueMs: minutes(30),
    });
    expect(await store.find('short')).toBeUndefined();
    expect(await store.find('long')).toBeDefined();
  });
});
