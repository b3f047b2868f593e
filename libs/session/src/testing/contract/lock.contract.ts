import assert from 'node:assert/strict';

import { inParallel, type ContractBench, type ContractRunner } from './contract-bench.js';

/** Counting a user's sessions before another is inserted. */
export function lockContract(bench: ContractBench, { it }: ContractRunner): void {
  const lock = (userId: string): Promise<void> =>
    bench.store.transaction((store) => store.lockPrincipal(userId));

  it('lets transactions that lock a user go on one after another', async () => {
    const userId = bench.newUserId();
    const counts = await inParallel(5, () =>
      bench.store.transaction(async (store) => {
        await store.lockPrincipal(userId);
        const before = await store.list(userId, { after: null, limit: 10 });
        await store.insert(bench.newSession({ userId }));
        return before.length;
      }),
    );
    assert.deepEqual(new Set(counts), new Set([0, 1, 2, 3, 4]));
  });

  it('locks a user again in the same transaction', async () => {
    const userId = bench.newUserId();
    await bench.store.transaction(async (store) => {
      await store.lockPrincipal(userId);
      await store.lockPrincipal(userId);
      await store.raiseEpoch(userId, 'password-changed');
    });
    assert.equal(await bench.store.raiseEpoch(userId, 'password-changed'), 2);
  });

  it('asks no more of the sessions of a user whom it locks', async () => {
    for (const epoch of [0, 1]) {
      const userId = bench.newUserId();
      if (epoch > 0) await bench.store.raiseEpoch(userId, 'password-changed');
      const id = await bench.insert({ userId });
      const before = await bench.record(id);
      await lock(userId);
      assert.deepEqual(await bench.record(id), before);
    }
  });

  it('leaves nothing to sweep', async () => {
    const userId = bench.newUserId();
    await lock(userId);
    assert.deepEqual(await bench.store.stalePrincipals(10, { userId }), []);
  });

  it('never sets back an epoch, and the next one counts on', async () => {
    const userId = bench.newUserId();
    await lock(userId);
    assert.equal(await bench.store.raiseEpoch(userId, 'password-changed'), 1);
    const id = await bench.insert({ userId });
    await bench.store.raiseEpoch(userId, 'password-changed');
    await lock(userId);
    assert.equal(await bench.isLive(id), false);
    assert.equal(await bench.store.raiseEpoch(userId, 'password-changed'), 3);
  });

  it("gives everyone's reason to the sessions of a user who was only locked", async () => {
    const userId = bench.newUserId();
    const id = await bench.insert({ userId });
    await bench.store.raiseEveryonesEpoch('incident');
    await lock(userId);
    assert.equal((await bench.record(id)).epochReason, 'incident');
  });
}
