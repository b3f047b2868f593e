import assert from 'node:assert/strict';

import { sessionState } from '../../core/session-policy.js';
import type { SessionChange, SessionStore, Touch } from '../../core/session-store.js';
import type { SessionState } from '../../core/session.js';
import {
  ABSOLUTE_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  hashOf,
  inParallel,
  type ContractBench,
  type ContractRunner,
} from './contract-bench.js';

interface Ending {
  readonly name: string;
  readonly state: SessionState;
  readonly end: (bench: ContractBench, id: string, userId: string) => unknown;
}

const ENDINGS: readonly Ending[] = [
  {
    name: 'is over its idle timeout',
    state: { status: 'idle-expired' },
    end: ({ clock }) => clock.advance(IDLE_TIMEOUT_MS),
  },
  {
    name: 'is over its absolute timeout',
    state: { status: 'absolute-expired' },
    end: ({ clock }) => clock.advance(ABSOLUTE_TIMEOUT_MS),
  },
  {
    name: 'was revoked',
    state: { status: 'revoked', reason: 'signed-out' },
    end: ({ store }, id) => store.revoke(id, 'signed-out'),
  },
  {
    name: "was ended with its user's others",
    state: { status: 'revoked', reason: 'password-changed' },
    end: ({ store }, _id, userId) => store.raiseEpoch(userId, 'password-changed'),
  },
  {
    name: "was ended with everyone's",
    state: { status: 'revoked', reason: 'incident' },
    end: ({ store, clock }) => {
      clock.advance(1);
      return store.raiseEveryonesEpoch('incident');
    },
  },
];

/** A session that has ended stays ended. */
export function endedContract(bench: ContractBench, { it }: ContractRunner): void {
  it('keeps a session live until the last millisecond before each deadline', async () => {
    const idle = await bench.insert();
    const absolute = await bench.insert({ idleTimeoutMs: null });
    bench.clock.advance(IDLE_TIMEOUT_MS - 1);
    assert.equal(await bench.isLive(idle), true);
    assert.equal(await bench.store.update(idle, { persistent: true }), true);
    bench.clock.advance(ABSOLUTE_TIMEOUT_MS - IDLE_TIMEOUT_MS);
    assert.equal(await bench.isLive(absolute), true);
    assert.equal(await bench.store.update(absolute, { persistent: true }), true);
  });

  for (const { name, state, end } of ENDINGS) {
    const issueAndEnd = async (): Promise<{ id: string; userId: string }> => {
      const userId = bench.newUserId();
      const id = await bench.insert({ userId, data: '{"cart":1}' });
      await end(bench, id, userId);
      return { id, userId };
    };

    it(`shows that a session ${name}`, async () => {
      const { id, userId } = await issueAndEnd();
      assert.deepEqual(sessionState(await bench.record(id), undefined), state);
      assert.deepEqual(await bench.store.list(userId, { after: null, limit: 10 }), []);
    });

    it(`writes nothing to a session that ${name}`, async () => {
      const { id } = await issueAndEnd();
      const before = await bench.record(id);
      for (const change of everyChange(bench)) {
        assert.equal(await bench.store.update(id, change), false, Object.keys(change).join());
      }
      assert.equal(await bench.store.touch([touchOf(id)]), 0);
      assert.equal(await bench.store.revoke(id, 'too-late'), undefined);
      assert.deepEqual(await bench.record(id), before);
    });

    it(`does not bring back, by an exception from raising the epoch, a session that ${name}`, async () => {
      const { id, userId } = await issueAndEnd();
      await bench.store.raiseEpoch(userId, 'password-changed', id);
      assert.equal(await bench.isLive(id), false);
    });

    it(`writes nothing in a transaction to a session that ${name}`, async () => {
      const { id } = await issueAndEnd();
      const before = await bench.record(id);
      const written = await bench.store.transaction(async (store) => [
        await store.update(id, { expiresAt: bench.clock.now() + ABSOLUTE_TIMEOUT_MS }),
        await store.touch([touchOf(id)]),
        await store.revoke(id, 'too-late'),
      ]);
      assert.deepEqual(written, [false, 0, undefined]);
      assert.deepEqual(await bench.record(id), before);
    });
  }

  it('keeps a session revoked when touches and changes run beside the revocation', async () => {
    const ids = await bench.insertMany(10);
    bench.clock.advance(1000);
    await Promise.all(ids.flatMap((id) => writesBesideRevocation(bench.store, id)));
    const states = await Promise.all(
      ids.map(async (id) => sessionState(await bench.record(id), undefined)),
    );
    assert.deepEqual(
      states,
      ids.map(() => ({ status: 'revoked', reason: 'signed-out' })),
    );
  });

  it('keeps every session of a user ended when changes run beside the raised epoch', async () => {
    const userId = bench.newUserId();
    const ids = await bench.insertMany(5, { userId });
    await Promise.all([
      ...ids.map((id) => bench.store.update(id, setKey('a'))),
      bench.store.raiseEpoch(userId, 'password-changed'),
      ...ids.map((id) => bench.store.update(id, setKey('b'))),
    ]);
    const live = await inParallel(ids.length, (index) => bench.isLive(ids[index] ?? ''));
    assert.deepEqual(new Set(live), new Set([false]));
  });
}

function everyChange(bench: ContractBench): readonly SessionChange[] {
  return [
    { ...setKey('cart'), ifVersion: 0 },
    { rotate: { fromGeneration: 0, fromTokenHash: hashOf('0'), tokenHash: hashOf('1') } },
    { idleTimeoutMs: IDLE_TIMEOUT_MS },
    { idleTimeoutMs: null },
    { expiresAt: bench.clock.now() + ABSOLUTE_TIMEOUT_MS },
    { persistent: true },
    { authenticated: { aal: 2, amr: ['otp'] } },
  ];
}

function setKey(key: string): SessionChange {
  return { data: { set: { [key]: '2' }, remove: [] } };
}

function touchOf(id: string): Touch {
  return { id, ageMs: 0, idleTimeoutMs: IDLE_TIMEOUT_MS, ip: '192.0.2.1', userAgent: null };
}

function writesBesideRevocation(store: SessionStore, id: string): Promise<unknown>[] {
  return [
    store.touch([touchOf(id)]),
    store.update(id, setKey('a')),
    store.revoke(id, 'signed-out'),
    store.update(id, setKey('b')),
    store.touch([{ ...touchOf(id), ageMs: 1 }]),
  ];
}
