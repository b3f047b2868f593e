import { beforeEach, describe, expect, it, jest } from '@jest/globals';

import { changing, CommitBench, counting, setting } from '../../../../test/support/commit-bench.js';
import { collectEvents } from '../../../../test/support/next-event.js';
import { hours, minutes } from './duration.js';
import type { CommitOutcome } from './session-commit.js';
import type { SessionWork } from './session-work.js';

describe('SessionCommit', () => {
  let bench: CommitBench;

  beforeEach(() => {
    bench = new CommitBench();
  });

  describe('without a session', () => {
    it('makes none where nothing is wanted of it', async () => {
      const nothing = { record: null, token: null };
      expect(await bench.commit(null)).toEqual(nothing);
      expect(await bench.commit(null, { data: { before: {}, after: {} } })).toEqual(nothing);
      expect(await bench.sessions.statistics()).toMatchObject({ sessions: 0 });
    });

    it('issues an anonymous one for data, with the expiry that was asked for', async () => {
      const issued = collectEvents(bench.events, 'session:issued');
      const expiry = { idleTimeoutMs: minutes(5), expiresAt: bench.clock.now() + hours(1) };
      const data = { before: {}, after: { step: 1 } };
      const { record, token } = await bench.commit(null, { data, expiry, ...counting });
      expect(record?.session).toMatchObject({
        userId: null,
        policy: 'anonymous',
        ip: '192.0.2.1',
        ...expiry,
      });
      expect(await bench.data(record?.session.id)).toEqual({ step: 1, count: 1 });
      expect(await bench.resolve(token)).toMatchObject({ record: { session: record?.session } });
      expect(issued).toHaveLength(1);
    });

    it('leaves out what would lengthen it', async () => {
      const data = { before: {}, after: { step: 1 } };
      const { record } = await bench.commit(null, {
        data,
        expiry: { idleTimeoutMs: null, persistent: true },
      });
      expect(record?.session).toMatchObject({ idleTimeoutMs: minutes(30), persistent: true });
    });
  });

  describe('a change', () => {
    it('writes nothing where nothing changed', async () => {
      const update = jest.spyOn(bench.store, 'update');
      const { current } = await bench.issue('ada', { step: 1 });
      const outcome = await bench.commit(
        current,
        changing(current, () => undefined),
      );
      expect(outcome).toEqual({ record: current.record, token: null });
      expect(update).not.toHaveBeenCalled();
    });

    it('is one statement, whatever it is made of', async () => {
      const update = jest.spyOn(bench.store, 'update');
      const { current, id } = await bench.issue();
      const { record } = await bench.commit(current, {
        ...setting(current, 'step', 1),
        ...counting,
        rotation: 'now',
        expiry: {
          idleTimeoutMs: minutes(5),
          expiresAt: bench.clock.now() + hours(1),
          persistent: true,
        },
        authenticated: { aal: 2, amr: ['otp'] },
      });
      expect(update).toHaveBeenCalledTimes(1);
      expect(record?.session).toMatchObject({
        generation: 1,
        version: 1,
        idleTimeoutMs: minutes(5),
        expiresAt: bench.clock.now() + hours(1),
        persistent: true,
        authenticatedAt: bench.clock.now(),
        aal: 2,
        amr: ['otp'],
      });
      expect(await bench.data(id)).toEqual({ step: 1, count: 1 });
    });

    it('writes the keys that changed and no others', async () => {
      const { current, id } = await bench.issue('ada', {
        kept: 1,
        changed: { deep: [1] },
        removed: 2,
      });
      await bench.setBehind(id, 'kept', 'by another request');
      const work = changing(current, (data) => {
        (data['changed'] as { deep: number[] }).deep.push(2);
        delete data['removed'];
      });
      const { record } = await bench.commit(current, work);
      expect(await bench.data(id)).toEqual({
        kept: 'by another request',
        changed: { deep: [1, 2] },
      });
      expect(record?.session.version).toBe(2);
    });

    it('keeps every key of 20 requests at once', async () => {
      const { current, id } = await bench.issue();
      const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
      await Promise.all(keys.map((key) => bench.commit(current, setting(current, key, 1))));
      expect(Object.keys(await bench.data(id)).toSorted()).toEqual(keys.toSorted());
    });

    it.each([
      ['SESSION_DATA_TOO_LARGE', 'long', 'x'.repeat(100)],
      ['SESSION_DATA_NOT_JSON', 'at', new Date(0)],
      ['SESSION_DATA_KEY_REFUSED', 'a"b', 1],
    ])('is refused whole with %s', async (code, key, value) => {
      const { current, token, id } = await bench.issue('ada', { step: 1 });
      const work = { ...setting(current, key, value), rotation: 'now' } as const;
      await expect(bench.commit(current, work)).rejects.toMatchObject({ code });
      expect(await bench.data(id)).toEqual({ step: 1 });
      expect(await bench.resolve(token)).toMatchObject({ record: { session: { generation: 0 } } });
    });

    it('counts what is stored by now towards the size of the data', async () => {
      const { current } = await bench.issue();
      await bench.commit(current, setting(current, 'a', 'x'.repeat(60)));
      const newest = await bench.store.find(current.record.session.id);
      if (newest === undefined) throw new Error('Expected the session to be there');
      const later = { ...current, record: newest };
      await expect(bench.commit(later, setting(later, 'b', 'x'.repeat(60)))).rejects.toMatchObject({
        code: 'SESSION_DATA_TOO_LARGE',
      });
    });
  });

  describe('an atomic update', () => {
    it('is applied to the newest value', async () => {
      const { current, id } = await bench.issue('ada', { count: 1 });
      await bench.setBehind(id, 'count', 7);
      await bench.commit(current, counting);
      expect(await bench.data(id)).toEqual({ count: 8 });
    });

    it('counts every one of 20 requests at once', async () => {
      const { current, id } = await bench.issue();
      await Promise.all(Array.from({ length: 20 }, () => bench.commit(current, counting)));
      expect(await bench.data(id)).toEqual({ count: 20 });
    });

    it('may change the value in place', async () => {
      const { current, id } = await bench.issue('ada', { basket: { apple: 1 } });
      const apply = (basket: unknown): unknown => Object.assign(basket as object, { pear: 2 });
      await bench.commit(current, { updates: [{ key: 'basket', apply }] });
      expect(await bench.data(id)).toEqual({ basket: { apple: 1, pear: 2 } });
    });

    it('removes a key by undefined', async () => {
      const { current, id } = await bench.issue('ada', { count: 1, kept: 2 });
      await bench.commit(current, { updates: [{ key: 'count', apply: () => undefined }] });
      expect(await bench.data(id)).toEqual({ kept: 2 });
    });

    it('writes nothing where it changes nothing', async () => {
      const update = jest.spyOn(bench.store, 'update');
      const { current } = await bench.issue('ada', { count: 1 });
      await bench.commit(current, { updates: [{ key: 'count', apply: (count) => count }] });
      expect(update).not.toHaveBeenCalled();
    });

    it('keeps what the request sets beside it, and what others set', async () => {
      const { current, id } = await bench.issue('ada', { count: 1 });
      bench.store.interfere(() => bench.setBehind(id, 'other', 1));
      await bench.commit(current, { ...setting(current, 'own', 1), ...counting });
      expect(await bench.data(id)).toEqual({ count: 2, own: 1, other: 1 });
    });

    it('gives up when it loses every time', async () => {
      const { current, id } = await bench.issue('ada', { count: 1 });
      const write = (): Promise<unknown> => {
        bench.store.interfere(write);
        return bench.setBehind(id, 'other', 1);
      };
      bench.store.interfere(write);
      await expect(bench.commit(current, counting)).rejects.toMatchObject({
        code: 'SESSION_DATA_CONFLICT',
      });
      expect(await bench.data(id)).toEqual({ count: 1, other: 1 });
    });
  });

  describe('a session that was ended meanwhile', () => {
    const endings: [string, (id: string) => unknown][] = [
      ['by a revocation', (id) => bench.store.revoke(id, 'signed-out')],
      ['with all of its user', () => bench.store.raiseEpoch('ada', 'password-changed')],
      ["with everyone's", () => bench.store.raiseEveryonesEpoch('incident')],
      ['by its idle timeout', () => bench.clock.advance(minutes(30))],
      ['by its absolute timeout', () => bench.clock.advance(hours(12))],
      [
        'and purged',
        () => {
          bench.clock.advance(hours(100));
          return bench.sessions.purge();
        },
      ],
    ];

    it.each(endings)('is written no more: %s', async (_, end) => {
      const { current, id } = await bench.issue('ada', { step: 1 });
      await end(id);
      const before = await bench.store.find(id);
      const ended = { code: 'SESSION_ENDED' };
      const works: Partial<SessionWork>[] = [
        setting(current, 'step', 2),
        counting,
        { rotation: 'now' },
        { rotation: 'due' },
        { expiry: { expiresAt: bench.clock.now() + hours(1) } },
        { authenticated: { aal: 2, amr: null } },
      ];
      for (const work of works)
        await expect(bench.commit(current, work)).rejects.toMatchObject(ended);
      expect(await bench.store.find(id)).toEqual(before);
    });

    it('is written no more by a policy that was lowered', async () => {
      const { current, id } = await bench.issue('ada', { count: 1 });
      const lowered = bench.sessionsWith({
        policies: { default: { idleTimeoutMs: minutes(5), absoluteTimeoutMs: hours(1) } },
      });
      bench.clock.advance(minutes(5));
      bench.store.interfere(() => bench.setBehind(id, 'other', 1));
      await expect(bench.commit(current, counting, lowered)).rejects.toMatchObject({
        code: 'SESSION_ENDED',
      });
    });
  });

  describe('a rotation', () => {
    it('keeps the new token of another request that rotated first', async () => {
      const rotated = collectEvents(bench.events, 'session:rotated');
      const { current, id } = await bench.issue();
      let first: CommitOutcome | undefined;
      bench.store.interfere(async () => (first = await bench.commit(current, { rotation: 'due' })));
      const second = await bench.commit(current, {
        ...setting(current, 'step', 1),
        rotation: 'due',
      });
      expect(second.token).toBe(first?.token);
      expect(await bench.data(id)).toEqual({ step: 1 });
      expect(await bench.resolve(second.token)).toMatchObject({ successor: null });
      expect(rotated).toHaveLength(1);
    });

    it('leaves the client the token of a change of privilege that came first', async () => {
      const { current, id } = await bench.issue();
      let first: CommitOutcome | undefined;
      bench.store.interfere(async () => (first = await bench.commit(current, { rotation: 'now' })));
      const second = await bench.commit(current, {
        ...setting(current, 'step', 1),
        rotation: 'due',
      });
      expect(second.token).toBeNull();
      expect(await bench.data(id)).toEqual({ step: 1 });
      expect(await bench.resolve(first?.token)).toMatchObject({ status: 'active' });
    });

    it('of several changes of privilege at once is done by one', async () => {
      const { current, token } = await bench.issue();
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, () => bench.commit(current, { rotation: 'now' })),
      );
      const given = outcomes.flatMap((outcome) => outcome.token ?? []);
      expect(given).toHaveLength(1);
      expect(await bench.resolve(given[0])).toMatchObject({ status: 'active' });
      expect(await bench.sessions.resolve(token)).toMatchObject({ status: 'superseded' });
    });

    it.each<[string, Partial<SessionWork>]>([
      ['a proof', { rotation: 'own', authenticated: { aal: 2, amr: null } }],
      ['a changed credential', { rotation: 'own' }],
    ])('for %s is not done by a parallel one for none: a thief may have it', async (_, work) => {
      const { current } = await bench.issue();
      let first: CommitOutcome | undefined;
      bench.store.interfere(async () => (first = await bench.commit(current, { rotation: 'now' })));
      const { token } = await bench.commit(current, work);
      expect(await bench.sessions.resolve(first?.token)).toMatchObject({ status: 'superseded' });
      expect((await bench.resolve(token)).record.session.generation).toBe(2);
    });

    it('for a proof leaves the client the token of another proof that came first', async () => {
      const { current } = await bench.issue();
      bench.clock.advance(1);
      const proof: Partial<SessionWork> = { rotation: 'own', authenticated: { aal: 2, amr: null } };
      let first: CommitOutcome | undefined;
      bench.store.interfere(async () => (first = await bench.commit(current, proof)));
      expect(await bench.commit(current, proof)).toMatchObject({ token: null });
      expect((await bench.resolve(first?.token)).record.session.aal).toBe(2);
    });

    it('for a change of privilege follows a periodic one, whose token may be known to a thief', async () => {
      const { current, token } = await bench.issue();
      let periodic: CommitOutcome | undefined;
      bench.store.interfere(
        async () => (periodic = await bench.commit(current, { rotation: 'due' })),
      );
      const { token: given, record } = await bench.commit(current, { rotation: 'now' });
      expect(record?.session.generation).toBe(2);
      for (const dead of [token, periodic?.token]) {
        expect(await bench.sessions.resolve(dead)).toMatchObject({ status: 'superseded' });
      }
      expect(await bench.resolve(given)).toMatchObject({ successor: null });
    });

    it('for a change of privilege follows when nobody knows what came first', async () => {
      const { current } = await bench.issue();
      let last: CommitOutcome | undefined;
      bench.store.interfere(async () => {
        const first = await bench.commit(current, { rotation: 'due' });
        last = await bench.commit(await bench.resolve(first.token), { rotation: 'due' });
      });
      const { token } = await bench.commit(current, { rotation: 'now' });
      expect(await bench.sessions.resolve(last?.token)).toMatchObject({ status: 'superseded' });
      expect(await bench.resolve(token)).toMatchObject({ record: { session: { generation: 3 } } });
    });

    it('is not repeated for a token that was rotated away within the grace', async () => {
      const { current, token } = await bench.issue();
      const first = await bench.commit(current, { rotation: 'due' });
      const late = await bench.resolve(token);
      expect(await bench.commit(late, { rotation: 'due' })).toMatchObject({ token: first.token });
      expect(await bench.commit(late, setting(late, 'step', 1))).toMatchObject({
        token: first.token,
      });
    });

    it('for a change of privilege gives a new token to a request within the grace', async () => {
      const { current, token } = await bench.issue();
      await bench.commit(current, { rotation: 'due' });
      const { token: given } = await bench.commit(await bench.resolve(token), { rotation: 'now' });
      expect(await bench.resolve(given)).toMatchObject({ record: { session: { generation: 2 } } });
      expect(await bench.sessions.resolve(token)).toMatchObject({ status: 'superseded' });
    });

    it('for a change of privilege follows a periodic one also within the grace', async () => {
      const { current, token } = await bench.issue();
      const first = await bench.commit(current, { rotation: 'due' });
      const late = await bench.resolve(token);
      let second: CommitOutcome | undefined;
      bench.store.interfere(async () => {
        second = await bench.commit(await bench.resolve(first.token), { rotation: 'due' });
      });
      const { token: given } = await bench.commit(late, { rotation: 'now' });
      expect(await bench.sessions.resolve(second?.token)).toMatchObject({ status: 'superseded' });
      expect(await bench.resolve(given)).toMatchObject({ record: { session: { generation: 3 } } });
    });

    it.each<[string, Partial<SessionWork>]>([
      ['nothing to write', {}],
      ['data to write', { data: { before: {}, after: { step: 1 } } }],
    ])('sends no successor that was replaced after the look-up, with %s', async (_, work) => {
      const { current, token } = await bench.issue();
      await bench.commit(current, { rotation: 'due' });
      const late = await bench.resolve(token);
      expect(late.successor).not.toBeNull();
      await bench.commit(late, { rotation: 'now' });
      expect(await bench.commit(late, work)).toMatchObject({ token: null });
    });

    it('sends no successor of a session that was ended after the look-up', async () => {
      const { current, token, id } = await bench.issue();
      await bench.commit(current, { rotation: 'due' });
      const late = await bench.resolve(token);
      await bench.store.revoke(id, 'signed-out');
      await expect(bench.commit(late)).rejects.toMatchObject({ code: 'SESSION_ENDED' });
    });

    it('sends no successor that was replaced while the request waited', async () => {
      const { current, token, id } = await bench.issue();
      await bench.commit(current, { rotation: 'due' });
      const late = await bench.resolve(token);
      let newest: CommitOutcome | undefined;
      bench.store.interfere(async () => {
        newest = await bench.commit(late, { rotation: 'now' });
        await bench.setBehind(id, 'other', 1);
      });
      const outcome = await bench.commit(late, counting);
      expect(outcome.token).toBeNull();
      expect(await bench.data(id)).toEqual({ count: 1, other: 1 });
      expect(await bench.resolve(newest?.token)).toMatchObject({ status: 'active' });
    });
  });
});
