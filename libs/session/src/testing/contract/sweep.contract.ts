import assert from 'node:assert/strict';

import type { EndedSession, StalePrincipal } from '../../core/session-store.js';
import { EVERYONE } from '../../core/user-id.js';
import type { ContractBench, ContractRunner } from './contract-bench.js';

/** Marking the rows that a raised epoch has ended. */
export function sweepContract(bench: ContractBench, { it }: ContractRunner): void {
  const staleOf = async (userId: string): Promise<StalePrincipal | undefined> =>
    (await bench.store.stalePrincipals(1, { userId })).at(0);

  const requireStale = async (userId: string): Promise<StalePrincipal> => {
    const principal = await staleOf(userId);
    assert(principal !== undefined, 'Expected the principal to be stale');
    return principal;
  };

  const sweepToTheEnd = async (principal: StalePrincipal): Promise<EndedSession[]> => {
    const all: EndedSession[] = [];
    const limit = 3;
    let ended = await bench.store.sweep(principal, limit);
    all.push(...ended);
    while (ended.length === limit) {
      ended = await bench.store.sweep(principal, limit);
      all.push(...ended);
    }
    return all;
  };

  it('names a user whose sessions were ended together, with the reason', async () => {
    const userId = bench.newUserId();
    assert.equal(await staleOf(userId), undefined);
    await bench.store.raiseEpoch(userId, 'password-changed');
    assert.deepEqual(await staleOf(userId), { userId, epoch: 1, reason: 'password-changed' });
  });

  it('names every stale principal, and one user where one is asked for', async () => {
    const userIds = [bench.newUserId(), bench.newUserId(), bench.newUserId()];
    for (const userId of userIds) await bench.store.raiseEpoch(userId, 'password-changed');
    const all = (await bench.store.stalePrincipals(10_000)).map(({ userId }) => userId);
    for (const userId of userIds) {
      assert.equal(all.filter((named) => named === userId).length, 1);
      const [principal, ...others] = await bench.store.stalePrincipals(10, { userId });
      assert.equal(principal?.userId, userId);
      assert.deepEqual(others, []);
    }
  });

  it('names no more stale principals than it is asked for', async () => {
    await bench.store.raiseEpoch(bench.newUserId(), 'password-changed');
    await bench.store.raiseEpoch(bench.newUserId(), 'password-changed');
    assert.equal((await bench.store.stalePrincipals(1)).length, 1);
  });

  it('marks each ended row once, up to the limit, and then the principal', async () => {
    const userId = bench.newUserId();
    const ids = await bench.insertMany(5, { userId });
    await bench.store.raiseEpoch(userId, 'password-changed');
    const principal = await requireStale(userId);
    const batches = [
      await bench.store.sweep(principal, 2),
      await bench.store.sweep(principal, 2),
      await bench.store.sweep(principal, 2),
    ];
    assert.deepEqual(
      batches.map((batch) => batch.length),
      [2, 2, 1],
    );
    assert.deepEqual(
      batches.flat().toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      ids.map((id) => ({ id, userId, reason: 'password-changed' })),
    );
    assert.equal(await staleOf(userId), undefined);
    assert.deepEqual(await bench.store.sweep(principal, 2), []);
  });

  it('keeps the principal stale while rows may be left', async () => {
    const userId = bench.newUserId();
    await bench.insertMany(2, { userId });
    await bench.store.raiseEpoch(userId, 'password-changed');
    const principal = await requireStale(userId);
    await bench.store.sweep(principal, 2);
    assert.deepEqual(await staleOf(userId), principal);
    assert.deepEqual(await bench.store.sweep(principal, 2), []);
    assert.equal(await staleOf(userId), undefined);
  });

  it('marks a row as revoked with the reason of the principal', async () => {
    const userId = bench.newUserId();
    const id = await bench.insert({ userId });
    await bench.store.raiseEpoch(userId, 'user-disabled');
    bench.clock.advance(1);
    await sweepToTheEnd(await requireStale(userId));
    const { revokedAt, revokeReason } = (await bench.record(id)).session;
    assert.deepEqual([revokedAt, revokeReason], [bench.clock.now(), 'user-disabled']);
  });

  it('marks no session that lives or was revoked before', async () => {
    const userId = bench.newUserId();
    const [kept = '', revoked = '', ended = ''] = await bench.insertMany(3, { userId });
    const other = await bench.insert({ userId: bench.newUserId() });
    await bench.store.revoke(revoked, 'signed-out');
    await bench.store.raiseEpoch(userId, 'password-changed', kept);
    const later = await bench.insert({ userId });
    const marked = await sweepToTheEnd(await requireStale(userId));
    assert.deepEqual(
      marked.map(({ id }) => id),
      [ended],
    );
    for (const id of [kept, other, later]) assert.equal(await bench.isLive(id), true);
    assert.equal((await bench.record(revoked)).session.revokeReason, 'signed-out');
  });

  it('returns each ended session to one of two sweepers', async () => {
    const userId = bench.newUserId();
    const ids = await bench.insertMany(20, { userId });
    await bench.store.raiseEpoch(userId, 'password-changed');
    const principal = await requireStale(userId);
    const marked = await Promise.all([sweepToTheEnd(principal), sweepToTheEnd(principal)]);
    // A sweeper that met rows which the other one held has stopped early; the next run finds what is left.
    const left = await sweepToTheEnd(principal);
    const markedIds = [...marked.flat(), ...left].map(({ id }) => id);
    assert.deepEqual(markedIds.toSorted(), ids);
    assert.equal(await staleOf(userId), undefined);
  });

  it('announces what it marks, before the mark is there to stay', async () => {
    const userId = bench.newUserId();
    const ids = await bench.insertMany(2, { userId });
    await bench.store.raiseEpoch(userId, 'password-changed');
    const principal = await requireStale(userId);
    const failure = new Error('the process dies');
    const announced: string[] = [];
    const die = ({ id }: EndedSession): void => {
      announced.push(id);
      throw failure;
    };
    await assert.rejects(bench.store.sweep(principal, 10, die), (error) => error === failure);
    assert.equal(announced.length, 1);
    for (const id of ids) assert.equal((await bench.record(id)).session.revokedAt, null);
    assert.deepEqual(await staleOf(userId), principal);

    const again: EndedSession[] = [];
    const marked = await bench.store.sweep(principal, 10, (ended) => void again.push(ended));
    assert.deepEqual(again, marked);
    assert.deepEqual(marked.map(({ id }) => id).toSorted(), ids);
  });

  it('keeps a principal stale whose epoch was raised again during the sweep', async () => {
    const userId = bench.newUserId();
    const first = await bench.insert({ userId });
    await bench.store.raiseEpoch(userId, 'password-changed');
    const principal = await requireStale(userId);
    const second = await bench.insert({ userId });
    await bench.store.raiseEpoch(userId, 'user-disabled');
    const before = await sweepToTheEnd(principal);
    const after = await sweepToTheEnd(await requireStale(userId));
    assert.deepEqual(
      [...before, ...after].map(({ id }) => id).toSorted(),
      [first, second].toSorted(),
    );
    assert.equal(await staleOf(userId), undefined);
  });

  it("marks everyone's sessions, anonymous ones included", async () => {
    const ids = [await bench.insert({ userId: bench.newUserId() }), await bench.insert()];
    await bench.store.raiseEveryonesEpoch('incident');
    const later = [await bench.insert({ userId: bench.newUserId() }), await bench.insert()];
    const marked = await sweepToTheEnd(await requireStale(EVERYONE));
    const markedIds = marked.map(({ id }) => id);
    for (const id of ids) assert.equal(markedIds.filter((markedId) => markedId === id).length, 1);
    for (const id of later) assert.equal(markedIds.includes(id), false);
    assert.equal((await bench.record(ids[1] ?? '')).session.revokeReason, 'incident');
    assert.equal(await staleOf(EVERYONE), undefined);
  });
}
