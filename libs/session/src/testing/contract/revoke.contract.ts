import assert from 'node:assert/strict';

import { newSessionId } from '../../core/session-token.js';
import { inParallel, type ContractBench, type ContractRunner } from './contract-bench.js';

/** Ending one session, and listing a user's live ones. */
export function revokeContract(bench: ContractBench, { it }: ContractRunner): void {
  it('ends one session and says whose it was', async () => {
    const userId = bench.newUserId();
    const [id = '', other = ''] = await bench.insertMany(2, { userId });
    bench.clock.advance(1);
    const ended = await bench.store.revoke(id, 'signed-out');
    assert.deepEqual(ended, { id, userId, reason: 'signed-out' });
    const { revokedAt, revokeReason } = (await bench.record(id)).session;
    assert.deepEqual([revokedAt, revokeReason], [bench.clock.now(), 'signed-out']);
    assert.equal(await bench.isLive(other), true);
  });

  it('ends an anonymous session', async () => {
    const id = await bench.insert();
    assert.deepEqual(await bench.store.revoke(id, 'revoked'), {
      id,
      userId: null,
      reason: 'revoked',
    });
  });

  it('ends nothing under an id that was never inserted', async () => {
    assert.equal(await bench.store.revoke(newSessionId(bench.clock.now()), 'revoked'), undefined);
  });

  it('ends a session of the given user', async () => {
    const userId = bench.newUserId();
    const id = await bench.insert({ userId });
    assert.equal((await bench.store.revoke(id, 'revoked', { userId }))?.id, id);
  });

  it("ends neither another user's session nor an anonymous one for a given user", async () => {
    const [userId, otherId] = [bench.newUserId(), bench.newUserId()];
    const id = await bench.insert({ userId });
    const anonymous = await bench.insert();
    assert.equal(await bench.store.revoke(id, 'revoked', { userId: otherId }), undefined);
    assert.equal(await bench.store.revoke(anonymous, 'revoked', { userId }), undefined);
    assert.equal(await bench.isLive(id), true);
    assert.equal(await bench.isLive(anonymous), true);
  });

  it('tells one of 20 revocations at once that it ended the session, and keeps its reason', async () => {
    const id = await bench.insert();
    const ended = await inParallel(20, (index) => bench.store.revoke(id, `reason-${index}`));
    const [winner, ...others] = ended.filter((outcome) => outcome !== undefined);
    assert.deepEqual(others, []);
    assert.equal((await bench.record(id)).session.revokeReason, winner?.reason);
  });

  it('lists the live sessions of a user in pages, in the order of their ids', async () => {
    const userId = bench.newUserId();
    const ids = await bench.insertMany(5, { userId });
    const page = async (after: string | null) =>
      (await bench.store.list(userId, { after, limit: 2 })).map(({ id }) => id);
    assert.deepEqual(await page(null), ids.slice(0, 2));
    assert.deepEqual(await page(ids[1] ?? null), ids.slice(2, 4));
    assert.deepEqual(await page(ids[3] ?? null), ids.slice(4));
    assert.deepEqual(await page(ids[4] ?? null), []);
  });

  it('lists a session with the same fields as it finds it with', async () => {
    const userId = bench.newUserId();
    const id = await bench.insert({ userId, aal: 1, amr: ['pwd'], ip: '192.0.2.1' });
    const listed = await bench.store.list(userId, { after: null, limit: 10 });
    assert.deepEqual(listed, [(await bench.record(id)).session]);
  });

  it('lists neither ended sessions nor those of others', async () => {
    const userId = bench.newUserId();
    const ids = await bench.insertMany(3, { userId });
    await bench.insert({ userId: bench.newUserId() });
    await bench.insert();
    await bench.store.revoke(ids[1] ?? '', 'signed-out');
    await bench.store.update(ids[2] ?? '', { idleTimeoutMs: 1000 });
    bench.clock.advance(1000);
    const listed = await bench.store.list(userId, { after: null, limit: 10 });
    assert.deepEqual(
      listed.map(({ id }) => id),
      [ids[0]],
    );
  });

  const lookalikes = {
    case: ['Ada', 'ada'],
    accent: ['Zoë', 'Zoe'],
    normalization: ['é', 'e\u0301'],
    'a trailing space': ['ada', 'ada '],
    'a leading zero': ['7', '07'],
  };
  for (const [difference, [suffix = '', otherSuffix = '']] of Object.entries(lookalikes)) {
    it(`tells users apart whose ids differ by ${difference}`, async () => {
      const prefix = bench.newUserId();
      const [userId, otherId] = [`${prefix}-${suffix}`, `${prefix}-${otherSuffix}`];
      const [id, other] = [await bench.insert({ userId }), await bench.insert({ userId: otherId })];
      const listed = await bench.store.list(userId, { after: null, limit: 10 });
      assert.deepEqual(
        listed.map((session) => session.id),
        [id],
      );
      assert.equal(await bench.store.revoke(other, 'revoked', { userId }), undefined);
      await bench.store.raiseEpoch(userId, 'password-changed');
      assert.deepEqual([await bench.isLive(id), await bench.isLive(other)], [false, true]);
      await bench.store.raiseEpoch(otherId, 'password-changed');
      assert.equal(await bench.isLive(other), false);
    });
  }
}
