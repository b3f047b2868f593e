import assert from 'node:assert/strict';

import { hours, minutes } from '../../core/duration.js';
import { newSessionId } from '../../core/session-token.js';
import {
  ABSOLUTE_TIMEOUT_MS,
  hashOf,
  inParallel,
  type ContractBench,
  type ContractRunner,
} from './contract-bench.js';

const rotation = (fromGeneration: number, from: string, to: string) => ({
  rotate: { fromGeneration, fromTokenHash: hashOf(from), tokenHash: hashOf(to) },
});

const setCart = (value: string) => ({ data: { set: { cart: value }, remove: [] } });

/** Conditional changes of one live session. */
export function updateContract(bench: ContractBench, { it }: ContractRunner): void {
  it('changes what a change names and nothing else', async () => {
    const id = await bench.insert({ userId: bench.newUserId(), data: '{"cart":1}', aal: 1 });
    const { session, ...rest } = await bench.record(id);
    assert.equal(await bench.store.update(id, { persistent: true }), true);
    const expected = { session: { ...session, persistent: true }, ...rest };
    assert.deepEqual(await bench.record(id), expected);
  });

  it('says that it has written a change that leaves the row as it is', async () => {
    const id = await bench.insert({ persistent: true, data: '{"cart":1}' });
    assert.equal(await bench.store.update(id, { persistent: true }), true);
    assert.equal(await bench.store.update(id, setCart('1')), true);
  });

  it('changes nothing under an id that was never inserted', async () => {
    const id = newSessionId(bench.clock.now());
    assert.equal(await bench.store.update(id, { persistent: true }), false);
    assert.equal(await bench.store.find(id), undefined);
  });

  it('counts the writes of the data in the version', async () => {
    const id = await bench.insert();
    await bench.store.update(id, setCart('1'));
    await bench.store.update(id, { persistent: true });
    await bench.store.update(id, setCart('2'));
    assert.equal((await bench.record(id)).session.version, 2);
  });

  it('writes data at the expected version only', async () => {
    const id = await bench.insert();
    assert.equal(await bench.store.update(id, { ...setCart('1'), ifVersion: 1 }), false);
    assert.equal(await bench.store.update(id, { ...setCart('1'), ifVersion: 0 }), true);
    assert.equal(await bench.store.update(id, { ...setCart('2'), ifVersion: 0 }), false);
    assert.deepEqual(await bench.data(id), { cart: 1 });
  });

  it('lets one of several writes at the same version win', async () => {
    const id = await bench.insert();
    const written = await inParallel(20, (index) =>
      bench.store.update(id, { ...setCart(`${index}`), ifVersion: 0 }),
    );
    assert.equal(written.filter(Boolean).length, 1);
    assert.deepEqual(await bench.data(id), { cart: written.indexOf(true) });
  });

  it('rotates the token', async () => {
    const id = await bench.insert();
    bench.clock.advance(1000);
    assert.equal(await bench.store.update(id, rotation(0, '0', '1')), true);
    const { session, tokenHash } = await bench.record(id);
    assert.equal(tokenHash, hashOf('1'));
    assert.equal(session.generation, 1);
    assert.equal(session.rotatedAt, bench.clock.now());
    assert.equal(session.version, 0);
  });

  it('rotates from the expected generation and hash only', async () => {
    const id = await bench.insert();
    assert.equal(await bench.store.update(id, rotation(1, '0', '1')), false);
    assert.equal(await bench.store.update(id, rotation(0, '9', '1')), false);
    const { session, tokenHash } = await bench.record(id);
    assert.deepEqual([session.generation, tokenHash], [0, hashOf('0')]);
  });

  it('lets one of several rotations win', async () => {
    const id = await bench.insert();
    const digits = Array.from('123456789abcdef');
    const rotated = await Promise.all(
      digits.map((digit) => bench.store.update(id, rotation(0, '0', digit))),
    );
    assert.equal(rotated.filter(Boolean).length, 1);
    const { session, tokenHash } = await bench.record(id);
    assert.equal(session.generation, 1);
    assert.equal(tokenHash, hashOf(digits[rotated.indexOf(true)] ?? ''));
  });

  it('does all parts of a change or none', async () => {
    const id = await bench.insert();
    const before = await bench.record(id);
    const lost = { ...setCart('1'), ...rotation(5, '0', '1'), persistent: true };
    assert.equal(await bench.store.update(id, lost), false);
    assert.deepEqual(await bench.record(id), before);
    const won = { ...setCart('1'), ...rotation(0, '0', '1'), persistent: true, ifVersion: 0 };
    assert.equal(await bench.store.update(id, won), true);
    const { session } = await bench.record(id);
    assert.deepEqual([session.generation, session.persistent, session.version], [1, true, 1]);
    assert.deepEqual(await bench.data(id), { cart: 1 });
  });

  it('counts a new idle timeout from now', async () => {
    const id = await bench.insert();
    bench.clock.advance(minutes(1));
    assert.equal(await bench.store.update(id, { idleTimeoutMs: minutes(5) }), true);
    const { session } = await bench.record(id);
    assert.equal(session.idleTimeoutMs, minutes(5));
    assert.equal(session.idleExpiresAt, bench.clock.now() + minutes(5));
    bench.clock.advance(minutes(5) - 1);
    assert.equal(await bench.isLive(id), true);
    bench.clock.advance(1);
    assert.equal(await bench.isLive(id), false);
  });

  it('takes the idle timeout away', async () => {
    const id = await bench.insert();
    assert.equal(await bench.store.update(id, { idleTimeoutMs: null }), true);
    bench.clock.advance(ABSOLUTE_TIMEOUT_MS - 1);
    assert.equal(await bench.isLive(id), true);
    bench.clock.advance(1);
    assert.equal(await bench.isLive(id), false);
  });

  it('sets another end, earlier or later', async () => {
    const id = await bench.insert({ idleTimeoutMs: null });
    const now = bench.clock.now();
    assert.equal(await bench.store.update(id, { expiresAt: now + minutes(2) }), true);
    assert.equal((await bench.record(id)).session.expiresAt, now + minutes(2));
    assert.equal(await bench.store.update(id, { expiresAt: now + minutes(3) }), true);
    bench.clock.advance(minutes(3) - 1);
    assert.equal(await bench.isLive(id), true);
    bench.clock.advance(1);
    assert.equal(await bench.isLive(id), false);
  });

  it('moves the purge with the deadlines', async () => {
    await bench.empty();
    const now = bench.clock.now();
    const id = await bench.insert({ idleTimeoutMs: hours(2) });
    await bench.store.update(id, { idleTimeoutMs: minutes(5) });
    bench.clock.set(bench.dueAt(now + minutes(5)) - 1);
    assert.deepEqual(await bench.purge(), []);
    bench.clock.advance(1);
    assert.deepEqual(
      (await bench.purge()).map((purged) => purged.id),
      [id],
    );
  });

  it('dates a new proof of identity by its own clock', async () => {
    const id = await bench.insert({ userId: bench.newUserId(), aal: 1, amr: ['pwd'] });
    bench.clock.advance(minutes(1));
    const authenticated = { aal: 2, amr: ['pwd', 'otp'] };
    assert.equal(await bench.store.update(id, { authenticated }), true);
    const { authenticatedAt, aal, amr } = (await bench.record(id)).session;
    assert.deepEqual({ aal, amr }, authenticated);
    assert.equal(authenticatedAt, bench.clock.now());
  });
}
