import assert from 'node:assert/strict';

import { inParallel, type ContractBench, type ContractRunner } from './contract-bench.js';

/** Ending all sessions of a user, or of everyone, by one row. */
export function epochContract(bench: ContractBench, { it }: ContractRunner): void {
  const liveOf = async (ids: readonly string[]): Promise<readonly string[]> => {
    const states = await Promise.all(ids.map((id) => bench.isLive(id)));
    return ids.filter((_, index) => states[index]);
  };

  it('ends every session of a user and no other', async () => {
    const userId = bench.newUserId();
    const ids = await bench.insertMany(5, { userId });
    const others = [await bench.insert({ userId: bench.newUserId() }), await bench.insert()];
    await bench.store.raiseEpoch(userId, 'password-changed');
    assert.deepEqual(await liveOf(ids), []);
    assert.deepEqual(await liveOf(others), others);
  });

  it('says with each session what is required of it and why', async () => {
    const userId = bench.newUserId();
    const id = await bench.insert({ userId });
    const { requiredEpoch } = await bench.record(id);
    bench.clock.advance(1);
    await bench.store.raiseEpoch(userId, 'password-changed');
    const record = await bench.record(id);
    assert.equal(record.requiredEpoch, requiredEpoch + 1);
    assert.equal(record.epochReason, 'password-changed');
    assert.equal(record.session.epoch, requiredEpoch);
  });

  it("gives the latest reason, the user's or everyone's", async () => {
    const userId = bench.newUserId();
    const id = await bench.insert({ userId });
    const raises = [
      () => bench.store.raiseEpoch(userId, 'password-changed'),
      () => bench.store.raiseEveryonesEpoch('incident'),
      () => bench.store.raiseEpoch(userId, 'user-disabled'),
    ];
    const reasons: (string | null)[] = [];
    for (const raise of raises) {
      bench.clock.advance(1);
      await raise();
      reasons.push((await bench.record(id)).epochReason);
    }
    assert.deepEqual(reasons, ['password-changed', 'incident', 'user-disabled']);
  });

  it('keeps the excepted session', async () => {
    const userId = bench.newUserId();
    const ids = await bench.insertMany(3, { userId });
    await bench.store.raiseEpoch(userId, 'password-changed', ids[1]);
    assert.deepEqual(await liveOf(ids), [ids[1]]);
    await bench.store.raiseEpoch(userId, 'password-changed', ids[1]);
    assert.deepEqual(await liveOf(ids), [ids[1]]);
    await bench.store.raiseEpoch(userId, 'password-changed');
    assert.deepEqual(await liveOf(ids), []);
  });

  it("makes no exception for another user's session", async () => {
    const [userId, otherId] = [bench.newUserId(), bench.newUserId()];
    const id = await bench.insert({ userId });
    const other = await bench.insert({ userId: otherId });
    const before = await bench.record(other);
    await bench.store.raiseEpoch(userId, 'password-changed', other);
    assert.equal(await bench.isLive(id), false);
    assert.deepEqual(await bench.record(other), before);
  });

  it('lets sessions live that are issued after', async () => {
    const userId = bench.newUserId();
    await bench.store.raiseEpoch(userId, 'password-changed');
    await bench.store.raiseEveryonesEpoch('incident');
    const ids = [await bench.insert({ userId }), await bench.insert()];
    assert.deepEqual(await liveOf(ids), ids);
  });

  it('counts on from the last epoch', async () => {
    const userId = bench.newUserId();
    assert.equal(await bench.store.raiseEpoch(userId, 'password-changed'), 1);
    const id = await bench.insert({ userId });
    assert.equal(await bench.store.raiseEpoch(userId, 'user-disabled'), 2);
    assert.equal(await bench.isLive(id), false);
  });

  it('says how often the sessions of a user were ended', async () => {
    const userId = bench.newUserId();
    const epochs = [await bench.store.epochOf(userId)];
    for (let raises = 0; raises < 2; raises += 1) {
      await bench.store.raiseEpoch(userId, 'password-changed');
      epochs.push(await bench.store.epochOf(userId));
    }
    await bench.store.raiseEveryonesEpoch('incident');
    epochs.push(await bench.store.epochOf(userId));
    assert.deepEqual(epochs, [0, 1, 2, 2]);
  });

  it('raises no epoch that is above the given one already, and keeps the excepted session', async () => {
    const userId = bench.newUserId();
    const ids = await bench.insertMany(2, { userId });
    await bench.store.raiseEpoch(userId, 'by a trigger');
    assert.equal(await bench.store.raiseEpoch(userId, 'password-changed', ids[0], 0), 1);
    assert.deepEqual(await liveOf(ids), [ids[0]]);
    assert.equal((await bench.record(ids[1] ?? '')).epochReason, 'by a trigger');
  });

  it('raises an epoch that is still the given one', async () => {
    const userId = bench.newUserId();
    const ids = await bench.insertMany(2, { userId });
    assert.equal(await bench.store.raiseEpoch(userId, 'password-changed', ids[0], 0), 1);
    assert.deepEqual(await liveOf(ids), [ids[0]]);
  });

  it('makes no exception for a session that a raise before the last has ended', async () => {
    const userId = bench.newUserId();
    const id = await bench.insert({ userId });
    await bench.store.raiseEpoch(userId, 'password-changed');
    await bench.store.raiseEpoch(userId, 'by a trigger');
    assert.equal(await bench.store.raiseEpoch(userId, 'password-changed', id, 1), 2);
    assert.equal(await bench.isLive(id), false);
  });

  it('counts every one of several raises at once', async () => {
    const userId = bench.newUserId();
    const epochs = await inParallel(10, () => bench.store.raiseEpoch(userId, 'password-changed'));
    const expected = Array.from({ length: 10 }, (_, index) => index + 1);
    assert.deepEqual(
      epochs.toSorted((a, b) => a - b),
      expected,
    );
  });

  it("ends everyone's sessions, anonymous ones included", async () => {
    const ids = [await bench.insert({ userId: bench.newUserId() }), await bench.insert()];
    await bench.store.raiseEveryonesEpoch('incident');
    assert.deepEqual(await liveOf(ids), []);
  });

  it("ends sessions by the user's epoch and by everyone's, in either order", async () => {
    const userId = bench.newUserId();
    await bench.store.raiseEpoch(userId, 'password-changed');
    await bench.store.raiseEveryonesEpoch('incident');
    const first = await bench.insert({ userId });
    await bench.store.raiseEpoch(userId, 'password-changed');
    assert.equal(await bench.isLive(first), false);
    const second = await bench.insert({ userId });
    await bench.store.raiseEveryonesEpoch('incident');
    assert.equal(await bench.isLive(second), false);
  });

  it("keeps an excepted session under everyone's epoch too", async () => {
    const userId = bench.newUserId();
    await bench.store.raiseEveryonesEpoch('incident');
    const id = await bench.insert({ userId });
    await bench.store.raiseEpoch(userId, 'password-changed', id);
    assert.equal(await bench.isLive(id), true);
    await bench.store.raiseEveryonesEpoch('incident');
    assert.equal(await bench.isLive(id), false);
  });
}
