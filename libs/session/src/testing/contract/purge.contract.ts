import assert from 'node:assert/strict';

import { minutes } from '../../core/duration.js';
import { LOWEST_ID } from '../../core/session-id.js';
import {
  ABSOLUTE_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  type ContractBench,
  type ContractRunner,
} from './contract-bench.js';

/** Deleting rows whose retention is over, and counting them. */
export function purgeContract(bench: ContractBench, { it }: ContractRunner): void {
  /** Inserts sessions that end one bucket after another. @returns their ids, in that order. */
  const insertInBuckets = async (count: number): Promise<readonly string[]> => {
    const ids: string[] = [];
    // The last to end is the first in the table.
    for (let bucket = count; bucket > 0; bucket -= 1) {
      ids.unshift(await bench.insert({ idleTimeoutMs: bucket * bench.settings.purgeBucketMs }));
    }
    return ids;
  };

  it('deletes a row when its retention is over and not before', async () => {
    await bench.empty();
    const dueAt = bench.dueAt(bench.clock.now() + IDLE_TIMEOUT_MS);
    const id = await bench.insert();
    bench.clock.set(dueAt - 1);
    assert.deepEqual(await bench.purge(), []);
    bench.clock.set(dueAt);
    assert.deepEqual(await bench.purge(), [
      { id, userId: null, reason: 'idle-expired', purgeAt: dueAt },
    ]);
    assert.equal(await bench.store.find(id), undefined);
  });

  it('keeps a revoked row for the retention, counted from its revocation', async () => {
    await bench.empty();
    const userId = bench.newUserId();
    const id = await bench.insert({ userId, idleTimeoutMs: null });
    bench.clock.advance(minutes(3));
    const dueAt = bench.dueAt(bench.clock.now());
    await bench.store.revoke(id, 'signed-out');
    bench.clock.set(dueAt - 1);
    assert.deepEqual(await bench.purge(), []);
    bench.clock.set(dueAt);
    assert.deepEqual(await bench.purge(), [{ id, userId, reason: 'signed-out', purgeAt: dueAt }]);
  });

  it('says of each row why the session had ended', async () => {
    await bench.empty();
    const userId = bench.newUserId();
    const idle = await bench.insert();
    const absolute = await bench.insert({ idleTimeoutMs: null });
    const both = await bench.insert({ idleTimeoutMs: ABSOLUTE_TIMEOUT_MS });
    const revoked = await bench.insert({ userId });
    await bench.store.raiseEpoch(userId, 'password-changed');
    await bench.store.sweep({ userId, epoch: 1, reason: 'password-changed' }, 10);
    bench.clock.set(bench.dueAt(bench.clock.now() + ABSOLUTE_TIMEOUT_MS));
    const deleted = await bench.purge();
    assert.deepEqual(Object.fromEntries(deleted.map(({ id, reason }) => [id, reason])), {
      [idle]: 'idle-expired',
      [absolute]: 'absolute-expired',
      [both]: 'absolute-expired',
      [revoked]: 'password-changed',
    });
  });

  it('deletes the most overdue rows first, up to the limit, and goes on from the watermark', async () => {
    await bench.empty();
    const ids = await insertInBuckets(5);
    bench.clock.advance(ABSOLUTE_TIMEOUT_MS);
    const cutoff = await bench.store.now();
    const first = await bench.store.purgeBatch({ cutoff, watermark: 0, limit: 2 });
    assert.equal(first.selected, 2);
    assert.deepEqual(first.deleted.map(({ id }) => id).toSorted(), ids.slice(0, 2).toSorted());
    assert.equal(first.watermark, Math.max(...first.deleted.map(({ purgeAt }) => purgeAt)));
    const second = await bench.store.purgeBatch({ cutoff, watermark: first.watermark, limit: 2 });
    assert.deepEqual(second.deleted.map(({ id }) => id).toSorted(), ids.slice(2, 4).toSorted());
    const third = await bench.store.purgeBatch({ cutoff, watermark: second.watermark, limit: 2 });
    assert.equal(third.selected, 1);
    assert.deepEqual(
      third.deleted.map(({ id }) => id),
      ids.slice(4),
    );
  });

  it('reaches every row that is due at the same instant', async () => {
    await bench.empty();
    const ids = await bench.insertMany(5);
    bench.clock.advance(ABSOLUTE_TIMEOUT_MS);
    const cutoff = await bench.store.now();
    const first = await bench.store.purgeBatch({ cutoff, watermark: 0, limit: 2 });
    const second = await bench.store.purgeBatch({ cutoff, watermark: first.watermark, limit: 2 });
    const third = await bench.store.purgeBatch({ cutoff, watermark: second.watermark, limit: 2 });
    const deleted = [first, second, third].flatMap((batch) => batch.deleted);
    assert.deepEqual(deleted.map(({ id }) => id).toSorted(), ids);
  });

  it('does not look at rows before the watermark or after the cutoff', async () => {
    await bench.empty();
    const [before = '', between = '', after = ''] = await insertInBuckets(3);
    const dueAt = bench.dueAt(bench.clock.now() + 2 * bench.settings.purgeBucketMs);
    bench.clock.advance(ABSOLUTE_TIMEOUT_MS);
    const batch = await bench.store.purgeBatch({ cutoff: dueAt, watermark: dueAt, limit: 10 });
    assert.deepEqual(
      batch.deleted.map(({ id }) => id),
      [between],
    );
    for (const id of [before, after]) assert.notEqual(await bench.store.find(id), undefined);
  });

  it('says that nothing was due, and leaves the watermark where it was', async () => {
    await bench.empty();
    const id = await bench.insert();
    const cutoff = await bench.store.now();
    const batch = await bench.store.purgeBatch({ cutoff, watermark: 7, limit: 10 });
    assert.deepEqual(batch, { selected: 0, deleted: [], watermark: 7 });
    assert.equal(await bench.isLive(id), true);
  });

  it('keeps a session that was extended after it fell due', async () => {
    await bench.empty();
    const dueAt = bench.dueAt(bench.clock.now() + minutes(5));
    const id = await bench.insert({ idleTimeoutMs: minutes(5) });
    await bench.store.update(id, { idleTimeoutMs: null });
    bench.clock.set(dueAt);
    assert.deepEqual(await bench.purge(), []);
    assert.equal(await bench.isLive(id), true);
  });

  it('deletes each row in one of two purges at once', async () => {
    await bench.empty();
    const ids = await bench.insertMany(20);
    bench.clock.advance(ABSOLUTE_TIMEOUT_MS);
    const runs = await Promise.all([bench.purge(), bench.purge()]);
    const deleted = [...runs.flat(), ...(await bench.purge())];
    assert.deepEqual(deleted.map(({ id }) => id).toSorted(), ids);
  });

  it('deletes what is due in a range of ids, and says where the range ends', async () => {
    await bench.empty();
    const ids: string[] = [];
    for (let index = 0; index < 6; index += 1) {
      bench.clock.advance(1);
      ids.push(await bench.insert({ idleTimeoutMs: index % 2 === 0 ? minutes(5) : null }));
    }
    const [first = '', second = '', third = '', fourth = '', fifth = '', last = ''] = ids;
    const dueAt = bench.dueAt(bench.clock.now() + minutes(5));
    bench.clock.set(dueAt);
    const request = { cutoff: dueAt, span: 3, isNaming: true };

    const start = await bench.store.purgeRange({ ...request, after: LOWEST_ID });
    assert.deepEqual(start.sessions.map(({ id }) => id).toSorted(), [first, third]);
    assert.deepEqual(start.counts, [{ reason: 'idle-expired', count: 2, oldestPurgeAt: dueAt }]);
    assert.equal(start.through, third);
    const rest = await bench.store.purgeRange({ ...request, after: third });
    assert.deepEqual(
      rest.sessions.map(({ id }) => id),
      [fifth],
    );
    assert.equal(rest.through, last);
    const end = await bench.store.purgeRange({ ...request, after: last });
    assert.deepEqual(end, { counts: [], sessions: [], through: null });
    for (const id of [second, fourth, last]) assert.equal(await bench.isLive(id), true);
  });

  it('counts what it deletes of a range by reason, and names nothing unless asked to', async () => {
    await bench.empty();
    const idle = bench.dueAt(bench.clock.now() + IDLE_TIMEOUT_MS);
    const revoked = bench.dueAt(bench.clock.now());
    await bench.insertMany(2);
    await bench.store.revoke(await bench.insert(), 'signed-out');
    bench.clock.advance(ABSOLUTE_TIMEOUT_MS);
    const cutoff = await bench.store.now();
    const request = { cutoff, after: LOWEST_ID, span: 10, isNaming: false };
    const { counts, sessions, through } = await bench.store.purgeRange(request);
    assert.deepEqual(
      counts.toSorted((a, b) => b.count - a.count),
      [
        { reason: 'idle-expired', count: 2, oldestPurgeAt: idle },
        { reason: 'signed-out', count: 1, oldestPurgeAt: revoked },
      ],
    );
    assert.deepEqual(sessions, []);
    assert.equal(through, null);
  });

  it('keeps a session of a range that was extended after it fell due', async () => {
    await bench.empty();
    const dueAt = bench.dueAt(bench.clock.now() + minutes(5));
    const id = await bench.insert({ idleTimeoutMs: minutes(5) });
    await bench.store.update(id, { idleTimeoutMs: null });
    bench.clock.set(dueAt);
    const request = { cutoff: dueAt, after: LOWEST_ID, span: 10, isNaming: false };
    assert.deepEqual((await bench.store.purgeRange(request)).counts, []);
    assert.equal(await bench.isLive(id), true);
  });

  it('estimates the share of rows that are due', async () => {
    await bench.empty();
    assert.equal(await bench.store.overdueShare(bench.clock.now()), 0);
    for (let index = 0; index < 12; index += 1) {
      bench.clock.advance(1000);
      await bench.insert({ idleTimeoutMs: index % 3 === 0 ? minutes(5) : null });
    }
    assert.equal(await bench.store.overdueShare(bench.clock.now()), 0);
    bench.clock.advance(minutes(5));
    bench.clock.set(bench.dueAt(bench.clock.now()));
    const share = await bench.store.overdueShare(bench.clock.now());
    assert(share > 0.2 && share < 0.5, `Expected about a third, got ${share}`);
  });

  it('counts rows, and those that are overdue', async () => {
    await bench.empty();
    assert.deepEqual(await bench.store.statistics(), {
      sessions: 0,
      overdue: 0,
      oldestOverdueMs: 0,
    });
    const firstDueAt = bench.dueAt(bench.clock.now() + bench.settings.purgeBucketMs);
    await insertInBuckets(3);
    bench.clock.set(firstDueAt + bench.settings.purgeBucketMs + 5);
    assert.deepEqual(await bench.store.statistics(), {
      sessions: 3,
      overdue: 2,
      oldestOverdueMs: bench.settings.purgeBucketMs + 5,
    });
  });

  it('tells how long the most overdue row has been waiting', async () => {
    await bench.empty();
    assert.equal(await bench.store.oldestOverdueMs(), 0);
    const dueAt = bench.dueAt(bench.clock.now() + bench.settings.purgeBucketMs);
    await insertInBuckets(3);
    bench.clock.set(dueAt - 1);
    assert.equal(await bench.store.oldestOverdueMs(), 0);
    bench.clock.set(dueAt + bench.settings.purgeBucketMs + 5);
    assert.equal(await bench.store.oldestOverdueMs(), bench.settings.purgeBucketMs + 5);
    await bench.purge();
    assert.equal(await bench.store.oldestOverdueMs(), 0);
  });
}
