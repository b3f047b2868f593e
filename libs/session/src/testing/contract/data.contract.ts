import assert from 'node:assert/strict';

import { MAX_DATA_DEPTH, MAX_DATA_KEY_LENGTH } from '../../core/session-data.js';
import { inParallel, type ContractBench, type ContractRunner } from './contract-bench.js';

const HOSTILE_KEYS = [
  '$',
  '$.a.b',
  'a.b',
  '[0]',
  '$[*]',
  '**',
  '*',
  '0',
  '-1',
  'last',
  '?',
  ':name',
  '%s',
  "it's",
  '--',
  '/* */',
  '{a,b}',
  'with space',
  ' padded ',
  'Case',
  'case',
  'ключ',
  'é',
  'e\u0301',
  '😀',
  'constructor',
  'toString',
  'k'.repeat(MAX_DATA_KEY_LENGTH),
];

const HOSTILE_VALUES: Readonly<Record<string, unknown>> = {
  null: null,
  true: true,
  false: false,
  zero: 0,
  negative: -1.5,
  tiny: 1e-7,
  huge: 1e21,
  largestInteger: Number.MAX_SAFE_INTEGER,
  smallestInteger: Number.MIN_SAFE_INTEGER,
  largestNumber: Number.MAX_VALUE,
  precise: 0.1 + 0.2,
  emptyText: '',
  quotes: '"double" \'single\' `back`',
  backslashes: '\\ \\\\ \\n \\u0041',
  control: 'tab\tline\nreturn\rbell\u0007',
  unicode: 'ünï 😀 日本語 \u2028\u2029 e\u0301',
  looksLikeNull: 'null',
  looksLikeNumber: '007',
  looksLikeJson: '{"a":[1,2,{"b":"c"}]}',
  looksLikeQuotedText: '"text"',
  looksLikeParameters: '$1 ? :name %s',
  emptyList: [],
  emptyObject: {},
  list: [1, 'two', null, [3], { four: 4 }],
  object: { a: { b: [{ c: null }] }, '$.a': 1, '': 2, 'a"b': 3 },
  deep: nested(MAX_DATA_DEPTH),
  long: 'x'.repeat(20_000),
};

/** The data patch: keys that change, and no others. */
export function dataContract(bench: ContractBench, { it }: ContractRunner): void {
  const patch = (id: string, set: Record<string, unknown>, remove: readonly string[] = []) =>
    bench.store.update(id, { data: { set: serialized(set), remove } });

  it('sets a key of a session without data', async () => {
    const id = await bench.insert();
    assert.equal(await patch(id, { cart: { apple: 2 } }), true);
    assert.deepEqual(await bench.data(id), { cart: { apple: 2 } });
  });

  it('replaces a key by its new value instead of merging the two', async () => {
    const id = await bench.insert({ data: '{"cart":{"apple":2},"step":1}' });
    assert.equal(await patch(id, { cart: { pear: 1 } }), true);
    assert.deepEqual(await bench.data(id), { cart: { pear: 1 }, step: 1 });
  });

  it('sets a key to null without removing it', async () => {
    const id = await bench.insert({ data: '{"cart":1}' });
    await patch(id, { cart: null });
    assert.deepEqual(await bench.data(id), { cart: null });
  });

  it('sets and removes keys in one change', async () => {
    const id = await bench.insert({ data: '{"a":1,"b":2,"c":3}' });
    assert.equal(await patch(id, { d: 4 }, ['a', 'c']), true);
    assert.deepEqual(await bench.data(id), { b: 2, d: 4 });
  });

  it('removes the last key, and a key that is not there', async () => {
    const id = await bench.insert({ data: '{"a":1}' });
    assert.equal(await patch(id, {}, ['a', 'never']), true);
    assert.deepEqual(await bench.data(id), {});
    assert.equal(await patch(id, {}, ['never']), true);
  });

  it('sets keys that look like paths, wildcards or code', async () => {
    const id = await bench.insert({ data: '{"a":{"b":"untouched"}}' });
    const set = Object.fromEntries(HOSTILE_KEYS.map((key, index) => [key, index]));
    assert.equal(await patch(id, set), true);
    assert.deepEqual(await bench.data(id), { a: { b: 'untouched' }, ...set });
  });

  it('removes keys that look like paths, wildcards or code, and no others', async () => {
    const kept = { a: { b: 'untouched' }, 'it was': 1 };
    const id = await bench.insert({ data: JSON.stringify(kept) });
    await patch(id, Object.fromEntries(HOSTILE_KEYS.map((key) => [key, 1])));
    for (const key of HOSTILE_KEYS) {
      await patch(id, {}, [key]);
      assert.equal(Object.hasOwn(await bench.data(id), key), false, key);
    }
    assert.deepEqual(await bench.data(id), kept);
  });

  it('removes many keys in one change, whatever they look like', async () => {
    const kept = { a: { b: 'untouched' }, übrig: 'ü' };
    const keys = [...HOSTILE_KEYS, ...Array.from({ length: 100 }, (_, index) => `größe ${index}`)];
    const all = { ...kept, ...Object.fromEntries(keys.map((key) => [key, key])) };
    const id = await bench.insert({ data: JSON.stringify(all) });
    assert.equal(await patch(id, {}, keys), true);
    assert.deepEqual(await bench.data(id), kept);
  });

  it('returns every kind of value as it was set by a change', async () => {
    const id = await bench.insert();
    assert.equal(await patch(id, HOSTILE_VALUES), true);
    assert.deepEqual(await bench.data(id), HOSTILE_VALUES);
  });

  it('returns every kind of value as it was inserted', async () => {
    const id = await bench.insert({ data: JSON.stringify(HOSTILE_VALUES) });
    assert.deepEqual(await bench.data(id), HOSTILE_VALUES);
  });

  it('keeps all of 20 changes of different keys that run at once', async () => {
    const id = await bench.insert({ data: '{"before":true}' });
    const written = await inParallel(20, (index) => patch(id, { [`key-${index}`]: index }));
    assert.deepEqual(new Set(written), new Set([true]));
    const expected = Array.from({ length: 20 }, (_, index) => [`key-${index}`, index]);
    assert.deepEqual(await bench.data(id), { before: true, ...Object.fromEntries(expected) });
    assert.equal((await bench.record(id)).session.version, 20);
  });
}

function serialized(values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, JSON.stringify(value)]),
  );
}

function nested(levels: number): unknown {
  let value: unknown = 'leaf';
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { in: value };
  return value;
}
