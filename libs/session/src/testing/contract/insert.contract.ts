import assert from 'node:assert/strict';

import { SessionError } from '../../core/errors.js';
import { newSessionId } from '../../core/session-token.js';
import {
  ABSOLUTE_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  hashOf,
  inParallel,
  type ContractBench,
  type ContractRunner,
} from './contract-bench.js';

/** Inserting and finding. */
export function insertContract(bench: ContractBench, { it }: ContractRunner): void {
  it('reads the time from the clock that it was given', async () => {
    assert.equal(await bench.store.now(), bench.clock.now());
    bench.clock.advance(1);
    assert.equal(await bench.store.now(), bench.clock.now());
  });

  it('finds a session with every field that it was inserted with', async () => {
    const userId = bench.newUserId();
    const now = bench.clock.now();
    const given = bench.newSession({
      tokenHash: hashOf('a'),
      generation: 3,
      userId,
      policy: 'remembered',
      persistent: true,
      aal: 2,
      amr: ['pwd', 'otp'],
      ip: '2001:db8:0:0:0:0:255.255.255.255',
      userAgent: `Browser "ünïcode" 🦊 ${'x'.repeat(480)}`,
      data: '{"cart":{"apple":2}}',
    });
    assert.equal(await bench.store.insert(given), 'inserted');
    const { data, ...record } = await bench.record(given.id);
    assert.deepEqual(record, {
      session: {
        id: given.id,
        userId,
        policy: 'remembered',
        persistent: true,
        generation: 3,
        rotatedAt: null,
        epoch: record.requiredEpoch,
        createdAt: now,
        lastSeenAt: now,
        authenticatedAt: now,
        aal: 2,
        amr: ['pwd', 'otp'],
        idleTimeoutMs: IDLE_TIMEOUT_MS,
        idleExpiresAt: now + IDLE_TIMEOUT_MS,
        expiresAt: now + ABSOLUTE_TIMEOUT_MS,
        revokedAt: null,
        revokeReason: null,
        ip: given.ip,
        userAgent: given.userAgent,
        version: 0,
      },
      tokenHash: hashOf('a'),
      requiredEpoch: record.requiredEpoch,
      epochReason: record.epochReason,
      now,
    });
    assert.deepEqual(JSON.parse(data ?? 'null'), { cart: { apple: 2 } });
  });

  it('keeps what an anonymous session does not have as null', async () => {
    const id = await bench.insert({ idleTimeoutMs: null });
    const { session, data } = await bench.record(id);
    const { userId, authenticatedAt, aal, amr, idleTimeoutMs, idleExpiresAt } = session;
    const absent = { userId, authenticatedAt, aal, amr, idleTimeoutMs, idleExpiresAt, data };
    for (const [name, value] of Object.entries(absent)) assert.equal(value, null, name);
    assert.equal(session.ip, null);
    assert.equal(session.userAgent, null);
  });

  it('finds nothing under an id that was never inserted', async () => {
    assert.equal(await bench.store.find(newSessionId(bench.clock.now())), undefined);
  });

  it('gives each of many look-ups at once its own answer', async () => {
    const inserted = await bench.insertMany(20);
    const missing = Array.from({ length: 5 }, () => newSessionId(bench.clock.now()));
    const asked = [...inserted, ...missing, ...inserted];
    const records = await Promise.all(asked.map((id) => bench.store.find(id)));
    const expected = [...inserted, ...missing.map(() => undefined), ...inserted];
    assert.deepEqual(
      records.map((record) => record?.session.id),
      expected,
    );
  });

  it('takes an end that is earlier than the absolute timeout, and no later one', async () => {
    const now = bench.clock.now();
    const early = await bench.insert({ expiresAt: now + 5000 });
    const late = await bench.insert({ expiresAt: now + ABSOLUTE_TIMEOUT_MS + 1 });
    assert.equal((await bench.record(early)).session.expiresAt, now + 5000);
    assert.equal((await bench.record(late)).session.expiresAt, now + ABSOLUTE_TIMEOUT_MS);
  });

  it('never overwrites a live session', async () => {
    const id = await bench.insert({ tokenHash: hashOf('1') });
    const before = await bench.record(id);
    await assert.rejects(bench.insert({ id, tokenHash: hashOf('2') }), SessionError);
    assert.deepEqual(await bench.record(id), before);
  });

  it('never overwrites a session that has ended', async () => {
    const id = await bench.insert();
    await bench.store.revoke(id, 'signed-out');
    await assert.rejects(bench.insert({ id }), SessionError);
    assert.equal(await bench.isLive(id), false);
  });

  it('lets one of several inserts of the same id win', async () => {
    const session = bench.newSession();
    const outcomes = await inParallel(5, (index) =>
      bench.store.insert({ ...session, tokenHash: hashOf(`${index}`) }).catch(() => 'refused'),
    );
    assert.equal(outcomes.filter((outcome) => outcome === 'inserted').length, 1);
    const winner = outcomes.indexOf('inserted');
    assert.equal((await bench.record(session.id)).tokenHash, hashOf(`${winner}`));
  });

  it('inserts while the proof of the sign-in holds', async () => {
    const userId = bench.newUserId();
    await bench.setCredential(userId, 'hash-1');
    const session = bench.newSession({ userId });
    const outcome = await bench.store.insert(session, { userId, credential: 'hash-1' });
    assert.equal(outcome, 'inserted');
    assert.equal(await bench.isLive(session.id), true);
  });

  it('inserts nothing once the credential has changed', async () => {
    const userId = bench.newUserId();
    await bench.setCredential(userId, 'hash-1');
    await bench.setCredential(userId, 'hash-2');
    const session = bench.newSession({ userId });
    const outcome = await bench.store.insert(session, { userId, credential: 'hash-1' });
    assert.equal(outcome, 'credential-changed');
    assert.equal(await bench.store.find(session.id), undefined);
  });

  it('inserts nothing for a credential that differs in case only', async () => {
    const userId = bench.newUserId();
    await bench.setCredential(userId, 'Hash');
    const session = bench.newSession({ userId });
    const outcome = await bench.store.insert(session, { userId, credential: 'hash' });
    assert.equal(outcome, 'credential-changed');
    assert.equal(await bench.store.find(session.id), undefined);
  });

  it('inserts nothing for a proof of a user who is not there', async () => {
    const userId = bench.newUserId();
    const session = bench.newSession({ userId });
    const outcome = await bench.store.insert(session, { userId, credential: 'hash-1' });
    assert.equal(outcome, 'credential-changed');
    assert.equal(await bench.store.find(session.id), undefined);
  });
}
