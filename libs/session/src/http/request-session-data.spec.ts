import { describe, expect, it } from '@jest/globals';

import { diffData } from '../core/session-data.js';
import { RequestSessionData } from './request-session-data.js';

const increment = (value: unknown): number => Number(value ?? 0) + 1;

function patchOf(data: RequestSessionData): unknown {
  const { data: versions } = data.changes();
  return versions === null ? null : diffData(versions.before, versions.after);
}

describe('RequestSessionData', () => {
  it('has nothing to commit while nobody looks', () => {
    const data = new RequestSessionData('{"a":1}');
    expect(data.isChanged).toBe(false);
    expect(data.changes()).toEqual({ data: null, updates: [] });
  });

  it('has nothing to commit where a value was set to what it was', () => {
    const data = new RequestSessionData('{"a":{"b":[1]}}');
    data.working['a'] = { b: [1] };
    expect(data.isChanged).toBe(false);
  });

  it('finds a change deep inside a value', () => {
    const data = new RequestSessionData('{"cart":{"apple":[1]},"b":1}');
    (data.working['cart'] as { apple: number[] }).apple.push(2);
    expect(data.isChanged).toBe(true);
    expect(patchOf(data)).toEqual({ set: { cart: '{"apple":[1,2]}' }, remove: [] });
  });

  it.each([
    [
      'a circle',
      () => {
        const circle: unknown[] = [];
        circle.push(circle);
        return circle;
      },
    ],
    ['a bigint', () => 1n],
    ['a function', () => () => 1],
  ])('counts %s as a change, for the commit to refuse', (_, make) => {
    const data = new RequestSessionData(null);
    data.working['a'] = make();
    expect(data.isChanged).toBe(true);
  });

  it('keeps keys of the object prototype out of prototypes', () => {
    const data = new RequestSessionData('{"__proto__":{"polluted":true}}');
    expect((data.working as { polluted?: true }).polluted).toBeUndefined();
    expect(({} as { polluted?: true }).polluted).toBeUndefined();
    expect(new RequestSessionData(null).working.constructor).toBeUndefined();
  });

  it('shows what an update makes of the known value, and commits the update rather than the value', () => {
    const data = new RequestSessionData('{"count":1}');
    data.update('count', increment);
    data.update('count', increment);
    expect(data.working['count']).toBe(3);
    expect(patchOf(data)).toBeUndefined();
    const [first, second] = data.changes().updates;
    expect(second?.apply(first?.apply(10))).toBe(12);
  });

  it('commits a value that was set before its update, and then the update', () => {
    const data = new RequestSessionData('{"count":1}');
    data.working['count'] = 5;
    data.update('count', increment);
    expect(patchOf(data)).toEqual({ set: { count: '5' }, remove: [] });
    expect(data.changes().updates).toHaveLength(1);
  });

  it('drops an update whose key is set afterwards', () => {
    const data = new RequestSessionData('{"count":1}');
    data.update('count', increment);
    data.working['count'] = 7;
    expect(data.changes().updates).toEqual([]);
    expect(patchOf(data)).toEqual({ set: { count: '7' }, remove: [] });
  });

  it('begins anew with an update after that', () => {
    const data = new RequestSessionData('{"count":1}');
    data.update('count', increment);
    data.working['count'] = 7;
    data.update('count', increment);
    expect(data.working['count']).toBe(8);
    expect(patchOf(data)).toEqual({ set: { count: '7' }, remove: [] });
    expect(data.changes().updates).toHaveLength(1);
  });

  it('leaves the value alone where the update throws', () => {
    const data = new RequestSessionData('{"list":[1]}');
    const fail = (value: unknown): never => {
      (value as number[]).push(2);
      throw new Error('no');
    };
    expect(() => data.update('list', fail)).toThrow('no');
    expect(data.isChanged).toBe(false);
  });

  it('updates a key that is not there, and commits nothing else', () => {
    const data = new RequestSessionData(null);
    data.update('count', increment);
    expect(data.working['count']).toBe(1);
    expect(patchOf(data)).toBeUndefined();
  });

  it('clears updates with the values', () => {
    const data = new RequestSessionData('{"a":1,"count":1}');
    data.update('count', increment);
    data.clear();
    expect(patchOf(data)).toEqual({ set: {}, remove: ['a', 'count'] });
    expect(data.changes().updates).toEqual([]);
  });

  it('goes on with the same object after a commit, and commits only what changes from then on', () => {
    const data = new RequestSessionData('{"a":{"n":1},"count":1}');
    const a = data.working['a'] as { n: number };
    a.n = 2;
    data.update('count', increment);
    data.committed('{"a":{"n":2},"count":41,"other":true}');
    expect(data.isChanged).toBe(false);
    expect(data.working['count']).toBe(41);
    a.n = 3;
    expect(patchOf(data)).toEqual({ set: { a: '{"n":3}' }, remove: [] });
  });

  it('reads what was stored where nobody had looked before the commit', () => {
    const data = new RequestSessionData(null);
    data.committed('{"a":1}');
    expect(data.working).toEqual({ a: 1 });
  });
});
