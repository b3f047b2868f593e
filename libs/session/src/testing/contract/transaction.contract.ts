import assert from 'node:assert/strict';

import type { SessionRecord } from '../../core/session.js';
import type { ContractBench, ContractRunner } from './contract-bench.js';

/** Several writes that happen together or not at all. */
export function transactionContract(bench: ContractBench, { it }: ContractRunner): void {
  it('commits all writes and returns what the work returns', async () => {
    const old = await bench.insert();
    const session = bench.newSession();
    const result = await bench.store.transaction(async (store) => {
      await store.revoke(old, 'replaced');
      await store.insert(session);
      return 'done';
    });
    assert.equal(result, 'done');
    assert.deepEqual([await bench.isLive(old), await bench.isLive(session.id)], [false, true]);
  });

  it('shows the work its own writes', async () => {
    const session = bench.newSession({ userId: bench.newUserId() });
    const seen = await bench.store.transaction(async (store) => {
      await store.insert(session);
      return [
        await store.find(session.id),
        await store.list(session.userId ?? '', { after: null, limit: 1 }),
      ];
    });
    const record = await bench.record(session.id);
    assert.deepEqual(seen, [record, [record.session]]);
  });

  it('undoes every write when the work rejects, and rejects with the same error', async () => {
    const userId = bench.newUserId();
    const [changed = '', revoked = ''] = await bench.insertMany(2, { userId });
    const session = bench.newSession();
    const before = [await bench.record(changed), await bench.record(revoked)];
    const failure = new Error('the work failed');
    const work = bench.store.transaction(async (store) => {
      await store.insert(session);
      await store.update(changed, { data: { set: { cart: '1' }, remove: [] } });
      await store.revoke(revoked, 'signed-out');
      await store.raiseEpoch(userId, 'password-changed');
      throw failure;
    });
    await assert.rejects(work, (error) => error === failure);
    assert.equal(await bench.store.find(session.id), undefined);
    assert.deepEqual([await bench.record(changed), await bench.record(revoked)], before);
  });

  it('makes a transaction inside another a part of it', async () => {
    const [first, second] = [bench.newSession(), bench.newSession()];
    await bench.store.transaction(async (store) => {
      await store.insert(first);
      await store.transaction(async (inner) => {
        assert.notEqual(await inner.find(first.id), undefined);
        await inner.insert(second);
      });
    });
    assert.deepEqual([await bench.isLive(first.id), await bench.isLive(second.id)], [true, true]);
  });

  it('undoes an inner transaction together with the outer one', async () => {
    const session = bench.newSession();
    const work = bench.store.transaction(async (store) => {
      await store.transaction((inner) => inner.insert(session));
      throw new Error('the outer work failed');
    });
    await assert.rejects(work);
    assert.equal(await bench.store.find(session.id), undefined);
  });

  it('hides the writes of a transaction from others until it commits', async () => {
    const session = bench.newSession();
    const others: Promise<SessionRecord | undefined>[] = [];
    const work = bench.store.transaction(async (store) => {
      await store.insert(session);
      // Not awaited here: a store with one connection answers when this transaction has ended.
      others.push(bench.store.find(session.id));
      others.push(bench.store.transaction((other) => other.find(session.id)));
      for (let turn = 0; turn < 10; turn += 1) await store.find(session.id);
      throw new Error('the work failed');
    });
    await assert.rejects(work);
    assert.deepEqual(await Promise.all(others), [undefined, undefined]);
  });

  it('carries out transactions that run at once', async () => {
    const sessions = Array.from({ length: 5 }, () => bench.newSession());
    await Promise.all(
      sessions.map((session) =>
        bench.store.transaction(async (store) => {
          await store.insert(session);
          await store.update(session.id, { persistent: true });
        }),
      ),
    );
    const records = await Promise.all(sessions.map(({ id }) => bench.record(id)));
    assert.equal(records.filter(({ session }) => session.persistent).length, 5);
  });

  it('goes on after a transaction that failed', async () => {
    await assert.rejects(bench.store.transaction(() => Promise.reject(new Error('failed'))));
    assert.equal(await bench.isLive(await bench.insert()), true);
  });

  it('calls back once after the commit, when others see the writes', async () => {
    const session = bench.newSession();
    const seen: Promise<SessionRecord | undefined>[] = [];
    await bench.store.transaction(async (store) => {
      await store.insert(session);
      store.afterCommit(() => seen.push(bench.store.find(session.id)));
      await store.find(session.id);
      assert.equal(seen.length, 0);
    });
    const records = await Promise.all(seen);
    assert.deepEqual(
      records.map((record) => record?.session.id),
      [session.id],
    );
  });

  it('calls back after the outer commit what an inner transaction left', async () => {
    const steps: string[] = [];
    await bench.store.transaction(async (store) => {
      await store.transaction(async (inner) => inner.afterCommit(() => steps.push('callback')));
      steps.push('work');
    });
    assert.deepEqual(steps, ['work', 'callback']);
  });

  it('never calls back after a rollback', async () => {
    const steps: string[] = [];
    const work = bench.store.transaction(async (store) => {
      store.afterCommit(() => steps.push('callback'));
      throw new Error('the work failed');
    });
    await assert.rejects(work);
    await bench.store.transaction(async (store) => store.find(bench.newSession().id));
    assert.deepEqual(steps, []);
  });

  it('calls back at once where there is no transaction', () => {
    const steps: string[] = [];
    bench.store.afterCommit(() => steps.push('callback'));
    assert.deepEqual(steps, ['callback']);
    return Promise.resolve();
  });
}
