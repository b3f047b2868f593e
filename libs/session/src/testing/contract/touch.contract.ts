import assert from 'node:assert/strict';

import { minutes, seconds } from '../../core/duration.js';
import type { Touch } from '../../core/session-store.js';
import { newSessionId } from '../../core/session-token.js';
import {
  ABSOLUTE_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  inParallel,
  type ContractBench,
  type ContractRunner,
} from './contract-bench.js';

/** Recording activity. */
export function touchContract(bench: ContractBench, { it }: ContractRunner): void {
  const touch = (id: string, given: Partial<Touch> = {}) =>
    bench.store.touch([
      { id, ageMs: 0, idleTimeoutMs: IDLE_TIMEOUT_MS, ip: null, userAgent: null, ...given },
    ]);

  it('moves the idle deadline on with activity', async () => {
    const id = await bench.insert();
    bench.clock.advance(IDLE_TIMEOUT_MS - 1);
    assert.equal(await touch(id), 1);
    bench.clock.advance(IDLE_TIMEOUT_MS - 1);
    assert.equal(await bench.isLive(id), true);
    bench.clock.advance(1);
    assert.equal(await bench.isLive(id), false);
  });

  it('changes nothing but the activity and the deadline', async () => {
    const id = await bench.insert({ data: '{"cart":1}', ip: '192.0.2.1' });
    const { session, ...rest } = await bench.record(id);
    bench.clock.advance(minutes(1));
    const now = bench.clock.now();
    await touch(id);
    assert.deepEqual(await bench.record(id), {
      ...rest,
      session: { ...session, lastSeenAt: now, idleExpiresAt: now + IDLE_TIMEOUT_MS },
      now,
    });
  });

  it('counts the deadline from the activity, not from the write', async () => {
    const id = await bench.insert();
    bench.clock.advance(minutes(10));
    assert.equal(await touch(id, { ageMs: seconds(3) }), 1);
    const { lastSeenAt, idleExpiresAt } = (await bench.record(id)).session;
    assert.equal(lastSeenAt, bench.clock.now() - seconds(3));
    assert.equal(idleExpiresAt, lastSeenAt + IDLE_TIMEOUT_MS);
  });

  it('passes over activity that is not newer than what is recorded', async () => {
    const id = await bench.insert();
    bench.clock.advance(minutes(1));
    await touch(id);
    const before = await bench.record(id);
    assert.equal(await touch(id), 0);
    assert.equal(await touch(id, { ageMs: seconds(5) }), 0);
    assert.deepEqual(await bench.record(id), before);
  });

  it('never extends a session past its absolute timeout', async () => {
    const id = await bench.insert();
    const end = bench.clock.now() + ABSOLUTE_TIMEOUT_MS;
    while (bench.clock.now() + IDLE_TIMEOUT_MS <= end) {
      bench.clock.advance(IDLE_TIMEOUT_MS - 1);
      await touch(id);
    }
    bench.clock.set(end - 1);
    assert.equal(await touch(id), 1);
    assert.equal(await bench.isLive(id), true);
    bench.clock.set(end);
    assert.equal(await bench.isLive(id), false);
    assert.equal((await bench.record(id)).session.expiresAt, end);
  });

  it('leaves a session without an idle timeout without one', async () => {
    const id = await bench.insert({ idleTimeoutMs: null });
    bench.clock.advance(minutes(1));
    assert.equal(await touch(id, { idleTimeoutMs: null }), 1);
    const { lastSeenAt, idleExpiresAt } = (await bench.record(id)).session;
    assert.deepEqual([lastSeenAt, idleExpiresAt], [bench.clock.now(), null]);
  });

  it('takes the idle timeout that a lowered policy sets', async () => {
    const id = await bench.insert();
    bench.clock.advance(minutes(1));
    await touch(id, { idleTimeoutMs: minutes(5) });
    const { idleExpiresAt } = (await bench.record(id)).session;
    assert.equal(idleExpiresAt, bench.clock.now() + minutes(5));
  });

  it("keeps to the session's own idle timeout where that is shorter", async () => {
    const id = await bench.insert();
    bench.clock.advance(minutes(1));
    await bench.store.update(id, { idleTimeoutMs: minutes(5) });
    assert.equal(await touch(id, { idleTimeoutMs: IDLE_TIMEOUT_MS }), 1);
    const { idleExpiresAt } = (await bench.record(id)).session;
    assert.equal(idleExpiresAt, bench.clock.now() + minutes(5));
  });

  it('records where the client is now, and keeps what is not given', async () => {
    const id = await bench.insert({ ip: '192.0.2.1', userAgent: 'old' });
    bench.clock.advance(1);
    await touch(id, { ip: '192.0.2.2' });
    bench.clock.advance(1);
    await touch(id, { userAgent: 'new "quoted" 🦊' });
    const { ip, userAgent } = (await bench.record(id)).session;
    assert.deepEqual({ ip, userAgent }, { ip: '192.0.2.2', userAgent: 'new "quoted" 🦊' });
  });

  it('writes the live ones of several sessions, each with its own values', async () => {
    const [first = '', second = '', revoked = ''] = await bench.insertMany(3);
    await bench.store.revoke(revoked, 'signed-out');
    bench.clock.advance(minutes(1));
    const missing = newSessionId(bench.clock.now());
    const written = await bench.store.touch(
      [revoked, second, missing, first].map((id, index) => ({
        id,
        ageMs: index,
        idleTimeoutMs: IDLE_TIMEOUT_MS - index,
        ip: `192.0.2.${index}`,
        userAgent: null,
      })),
    );
    assert.equal(written, 2);
    const [a, b] = await Promise.all([bench.record(first), bench.record(second)]);
    assert.deepEqual([a.session.ip, b.session.ip], ['192.0.2.3', '192.0.2.1']);
    assert.equal(a.session.idleExpiresAt, a.session.lastSeenAt + IDLE_TIMEOUT_MS - 3);
    assert.equal(b.session.idleExpiresAt, b.session.lastSeenAt + IDLE_TIMEOUT_MS - 1);
  });

  it('writes nothing for an empty list', async () => {
    assert.equal(await bench.store.touch([]), 0);
  });

  it('keeps the latest of 1,000 touches that run at once in batches of any order', async () => {
    const ids = await bench.insertMany(50);
    bench.clock.advance(minutes(1));
    await inParallel(20, (batch) => {
      const order = batch % 2 === 0 ? ids : ids.toReversed();
      return bench.store.touch(
        order.map((id) => ({
          id,
          ageMs: (batch * 7) % 20,
          idleTimeoutMs: IDLE_TIMEOUT_MS,
          ip: null,
          userAgent: null,
        })),
      );
    });
    const records = await Promise.all(ids.map((id) => bench.record(id)));
    const seen = new Set(records.map(({ session }) => session.lastSeenAt));
    assert.deepEqual(seen, new Set([bench.clock.now()]));
  });

  it('postpones the purge of the session that it extends', async () => {
    await bench.empty();
    const issuedAt = bench.clock.now();
    const id = await bench.insert();
    bench.clock.advance(IDLE_TIMEOUT_MS - 1);
    const touchedAt = bench.clock.now();
    await touch(id);
    bench.clock.set(bench.dueAt(issuedAt + IDLE_TIMEOUT_MS));
    assert.deepEqual(await bench.purge(), []);
    bench.clock.set(bench.dueAt(touchedAt + IDLE_TIMEOUT_MS));
    assert.equal((await bench.purge()).at(0)?.id, id);
  });
}
