import { beforeEach, describe, expect, it } from '@jest/globals';

import { changing, CommitBench, counting, setting } from '../../../../test/support/commit-bench.js';
import { collectEvents } from '../../../../test/support/next-event.js';
import { hours } from './duration.js';
import type { SessionWork } from './session-work.js';

describe('a sign-in', () => {
  let bench: CommitBench;

  beforeEach(() => {
    bench = new CommitBench();
  });

  const signIn = (userId = 'ada', options: NonNullable<SessionWork['signIn']>['options'] = {}) => ({
    signIn: { userId, options },
  });

  it('issues a session where there was none', async () => {
    const { record, token } = await bench.commit(null, signIn());
    expect(record?.session).toMatchObject({ userId: 'ada', policy: 'default', aal: 1 });
    expect(await bench.resolve(token)).toMatchObject({ record: { session: record?.session } });
  });

  it('ends the session that the request came with and begins another', async () => {
    const announced: unknown[] = [];
    bench.events.on('session:revoked', (event) => announced.push(event));
    bench.events.on('session:issued', (event) => announced.push(event));
    const { current, token, id } = await bench.issue(null);
    announced.length = 0;
    const { record } = await bench.commit(current, signIn());
    expect(record?.session.id).not.toBe(id);
    expect(await bench.sessions.resolve(token)).toMatchObject({
      status: 'revoked',
      reason: 'replaced',
    });
    expect(announced).toEqual([
      { sessionId: id, userId: null, reason: 'replaced' },
      { sessionId: record?.session.id, userId: 'ada', policy: 'default' },
    ]);
  });

  it('takes the policy, the proof and the expiry that were asked for', async () => {
    const expiresAt = bench.clock.now() + hours(1);
    const { record } = await bench.commit(null, {
      ...signIn('ada', { policy: 'remembered', aal: 3, amr: ['hwk'] }),
      expiry: { expiresAt },
    });
    expect(record?.session).toMatchObject({
      policy: 'remembered',
      persistent: true,
      idleTimeoutMs: null,
      expiresAt,
      aal: 3,
      amr: ['hwk'],
    });
  });

  it('carries the data of an anonymous session whose token another key of the ring has sealed', async () => {
    const { token } = await bench.issue(null, { kept: 1 });
    const renewed = bench.sessionsWith({ secret: ['n'.repeat(32), 's'.repeat(32)] });
    const current = await renewed.resolve(token);
    if (current.status !== 'active') throw new Error(`Expected active, got ${current.status}`);
    const { record } = await bench.commit(current, signIn(), renewed);
    expect(await bench.data(record?.session.id)).toEqual({ kept: 1 });
  });

  it('carries the data of an anonymous session and what the request changed', async () => {
    const { current } = await bench.issue(null, { kept: 1, removed: 2, count: 3 });
    const work = changing(current, (data) => {
      delete data['removed'];
      data['step'] = 4;
    });
    const { record } = await bench.commit(current, { ...work, ...counting, ...signIn() });
    expect(await bench.data(record?.session.id)).toEqual({ kept: 1, step: 4, count: 4 });
  });

  it('carries what another request wrote after this one had read', async () => {
    const { current, id } = await bench.issue(null, { step: 1 });
    await bench.setBehind(id, 'other', 2);
    const { record } = await bench.commit(current, { ...setting(current, 'own', 3), ...signIn() });
    expect(await bench.data(record?.session.id)).toEqual({ step: 1, other: 2, own: 3 });
  });

  it("carries the user's own data, and not another user's", async () => {
    const own = await bench.issue('ada', { step: 1 });
    const { record } = await bench.commit(own.current, signIn('ada'));
    expect(await bench.data(record?.session.id)).toEqual({ step: 1 });
    const others = await bench.issue('bob', { step: 1 });
    const switched = await bench.commit(others.current, signIn('ada'));
    expect(await bench.data(switched.record?.session.id)).toEqual({});
    expect(await bench.sessions.find(others.id)).toBeUndefined();
  });

  it('goes on without the data of a session that was ended meanwhile', async () => {
    const revoked = collectEvents(bench.events, 'session:revoked');
    const { current, id } = await bench.issue(null, { step: 1 });
    await bench.store.revoke(id, 'signed-out');
    const { record } = await bench.commit(current, signIn());
    expect(await bench.data(record?.session.id)).toEqual({});
    expect((await bench.store.find(id))?.session.revokeReason).toBe('signed-out');
    expect(revoked).toEqual([]);
  });

  it('needs the credential that it was proven with to hold still', async () => {
    bench.credentials.set('ada', 'hash-1');
    expect(await bench.commit(null, signIn('ada', { credential: 'hash-1' }))).toMatchObject({
      record: { session: { userId: 'ada' } },
    });
    bench.credentials.set('ada', 'hash-2');
    await expect(bench.commit(null, signIn('ada', { credential: 'hash-1' }))).rejects.toMatchObject(
      {
        code: 'SESSION_CREDENTIAL_CHANGED',
      },
    );
  });

  it.each([
    ['SESSION_CREDENTIAL_CHANGED', 'ada', { credential: 'wrong' }, 'fine'],
    ['SESSION_POLICY_UNKNOWN', 'ada', { policy: 'never' }, 'fine'],
    ['SESSION_USER_INVALID', '*', {}, 'fine'],
    ['SESSION_DATA_TOO_LARGE', 'ada', {}, 'x'.repeat(100)],
  ])('that fails with %s loses nothing', async (code, userId, options, value) => {
    const { current, token } = await bench.issue(null, { step: 1 });
    const events = [
      collectEvents(bench.events, 'session:revoked'),
      collectEvents(bench.events, 'session:issued'),
    ];
    const work = { ...setting(current, 'own', value), ...signIn(userId, options) };
    await expect(bench.commit(current, work)).rejects.toMatchObject({ code });
    expect((await bench.resolve(token)).record).toEqual(current.record);
    expect(await bench.sessions.statistics()).toMatchObject({ sessions: 1 });
    expect(events).toEqual([[], []]);
  });

  it('made twice at once ends the old session once and carries its data once', async () => {
    const revoked = collectEvents(bench.events, 'session:revoked');
    const { current } = await bench.issue(null, { step: 1 });
    const outcomes = await Promise.all([
      bench.commit(current, signIn()),
      bench.commit(current, signIn()),
    ]);
    const carried = await Promise.all(outcomes.map(({ record }) => bench.data(record?.session.id)));
    expect(carried).toEqual([{ step: 1 }, {}]);
    expect(revoked).toHaveLength(1);
  });
});
