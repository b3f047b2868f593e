import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import type { SessionErrorCode } from './errors.js';
import {
  applyPatch,
  assertDataFits,
  diffData,
  emptyData,
  MAX_DATA_DEPTH,
  MAX_DATA_KEY_LENGTH,
  parseData,
  serializeData,
  type SessionDataRecord,
} from './session-data.js';

function dataOf(entries: Record<string, unknown>): SessionDataRecord {
  return Object.assign(emptyData(), entries);
}

function withCode(code: SessionErrorCode): unknown {
  return expect.objectContaining({ code });
}

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = { in: value };
  return value;
}

const storableKey = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((key) => key !== '__proto__' && !/["\\\p{Cc}]/u.test(key) && key.isWellFormed());
const storableText = fc.string({ unit: 'grapheme' });
const { value: storableValue } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    storableText,
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      storableText.filter((key) => key !== '__proto__'),
      tie('value'),
      {
        maxKeys: 4,
        noNullPrototype: true,
      },
    ),
  ),
}));
const anyData = fc.dictionary(storableKey, storableValue, { maxKeys: 6 }).map(dataOf);

describe('session data as text', () => {
  it('is null without keys, and empty data again', () => {
    expect(serializeData(emptyData())).toBeNull();
    expect(serializeData(dataOf({ cart: undefined }))).toBeNull();
    expect(Object.keys(parseData(null))).toEqual([]);
  });

  it('comes back as it was', () => {
    fc.assert(
      fc.property(anyData, (data) => {
        const text = serializeData(data);
        expect(JSON.stringify(parseData(text))).toBe(JSON.stringify(data));
      }),
    );
  });

  it('has no prototype, whatever its keys', () => {
    const data = parseData('{"__proto__":{"isAdmin":true},"constructor":1,"toString":2}');
    expect(Object.getPrototypeOf(data)).toBeNull();
    expect(data['isAdmin']).toBeUndefined();
    expect(Object.keys(data)).toEqual(['__proto__', 'constructor', 'toString']);
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined();
    expect(emptyData()['toString']).toBeUndefined();
  });
});

describe('diffData', () => {
  it('is undefined where nothing changed', () => {
    expect(diffData(dataOf({ a: { b: [1] } }), dataOf({ a: { b: [1] } }))).toBeUndefined();
    expect(diffData(emptyData(), dataOf({ a: undefined }))).toBeUndefined();
  });

  it('names keys that were added, changed or removed, and no others', () => {
    const before = dataOf({ kept: 1, changed: { deep: [1] }, removed: 2, emptied: 3 });
    const after = dataOf({ kept: 1, changed: { deep: [2] }, added: null, emptied: undefined });
    const patch = diffData(before, after);
    expect({ ...patch?.set }).toEqual({ changed: '{"deep":[2]}', added: 'null' });
    expect(patch?.remove).toEqual(['removed', 'emptied']);
  });

  it('sets a key whose name an object inherits', () => {
    expect({ ...diffData(emptyData(), dataOf({ constructor: 1, toString: 2 }))?.set }).toEqual({
      constructor: '1',
      toString: '2',
    });
  });

  it('leads, applied, from the one to the other', () => {
    fc.assert(
      fc.property(anyData, anyData, (before, after) => {
        const patch = diffData(before, after) ?? { set: {}, remove: [] };
        const patched = applyPatch(before, patch);
        expect(diffData(patched, after)).toBeUndefined();
        expect(Object.keys(patched).toSorted()).toEqual(Object.keys(after).toSorted());
      }),
    );
  });

  it('leads there in any order together with a patch of other keys', () => {
    fc.assert(
      fc.property(anyData, storableValue, storableValue, (before, left, right) => {
        const [a, b] = [
          diffData(before, dataOf({ ...before, left })),
          diffData(before, dataOf({ ...before, right })),
        ].map((patch) => patch ?? { set: {}, remove: [] });
        fc.pre(a !== undefined && b !== undefined);
        const both = [applyPatch(applyPatch(before, a), b), applyPatch(applyPatch(before, b), a)];
        for (const data of both) {
          expect(diffData(data, dataOf({ ...before, left, right }))).toBeUndefined();
        }
      }),
    );
  });
});

describe('applyPatch', () => {
  it('leaves the original alone', () => {
    const before = dataOf({ a: 1, b: 2 });
    applyPatch(before, { set: { a: '3' }, remove: ['b'] });
    expect({ ...before }).toEqual({ a: 1, b: 2 });
  });

  it('reaches no prototype', () => {
    const patched = applyPatch(emptyData(), {
      set: JSON.parse('{"__proto__":"{\\"isAdmin\\":true}"}') as Record<string, string>,
      remove: ['toString'],
    });
    expect(Object.getPrototypeOf(patched)).toBeNull();
    expect(patched['isAdmin']).toBeUndefined();
  });
});

describe('keys that cannot be stored', () => {
  it.each([
    ['an empty one', ''],
    ['one that is too long', 'k'.repeat(MAX_DATA_KEY_LENGTH + 1)],
    ['a double quote', 'a"b'],
    ['a backslash', 'a\\b'],
    ['a control character', 'a\nb'],
    ['a NUL', 'a\u0000b'],
    ['DEL', 'a\u007fb'],
    ['half a surrogate pair', 'a\ud800'],
  ])('are refused: %s', (_, key) => {
    const refused = withCode('SESSION_DATA_KEY_REFUSED');
    expect(() => diffData(emptyData(), dataOf({ [key]: 1 }))).toThrow(refused);
    expect(() => serializeData(dataOf({ [key]: 1 }))).toThrow(refused);
  });

  it('are refused: __proto__, as an own key', () => {
    const data = JSON.parse('{"__proto__":1}') as SessionDataRecord;
    expect(() => serializeData(data)).toThrow(withCode('SESSION_DATA_KEY_REFUSED'));
  });

  it('may have been stored by others and may be removed', () => {
    const patch = diffData(dataOf({ 'a"b': 1 }), emptyData());
    expect(patch?.remove).toEqual(['a"b']);
  });
});

describe('values that cannot be stored', () => {
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = { back: cyclic };

  it.each([
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['a big integer', 1n],
    ['a symbol', Symbol('x')],
    ['a function', () => 1],
    ['a Date', new Date(0)],
    ['a Map', new Map()],
    ['an instance of a class', new URL('https://example.org')],
    ['an object with toJSON', { toJSON: () => 1 }],
    ['a reference to itself, which has no last level', cyclic],
    ['a gap in a list', [1, undefined, 2]],
    ['a list with toJSON', Object.assign([1], { toJSON: () => 'a\u0000b' })],
    ['a match, whose groups would be lost', /(?<year>\d+)/.exec('2026')],
    ['a string with a NUL', 'a\u0000b'],
    ['half a surrogate pair', '\udc00'],
    ['a nested key with a NUL', { 'a\u0000': 1 }],
    ['a nested __proto__', JSON.parse('{"__proto__":{}}')],
    ['too many levels', nested(MAX_DATA_DEPTH + 1)],
  ])('are refused, also deep inside: %s', (_, value) => {
    const refused = withCode('SESSION_DATA_NOT_JSON');
    expect(() => diffData(emptyData(), dataOf({ cart: value }))).toThrow(refused);
    expect(() => serializeData(dataOf({ cart: { list: [value] } }))).toThrow(refused);
  });

  it('are named by where they are and what they are, not by what they hold', () => {
    const data = dataOf({ cart: { items: [{ secret: 'a\u0000hunter2' }] } });
    expect(() => serializeData(data)).toThrow(
      '[SESSION_DATA_NOT_JSON] Expected a JSON value at "cart.items.0.secret", got a string with a NUL or half a surrogate pair.',
    );
  });

  it('do not include shared references, the deepest nesting, or undefined members of objects', () => {
    const shared = { apple: 1 };
    const data = dataOf({
      a: shared,
      b: [shared, shared],
      deep: nested(MAX_DATA_DEPTH),
      c: { d: undefined },
    });
    expect(serializeData(data)).toContain('"b":[{"apple":1},{"apple":1}]');
    expect(parseData(serializeData(data))['c']).toEqual({});
  });

  it('are refused without deep recursion', () => {
    expect(() => serializeData(dataOf({ cart: nested(100_000) }))).toThrow(
      withCode('SESSION_DATA_NOT_JSON'),
    );
  });
});

describe('assertDataFits', () => {
  it('counts bytes of JSON, not characters', () => {
    const data = dataOf({ a: 'é' });
    const bytes = Buffer.byteLength('{"a":"é"}');
    expect(() => assertDataFits(data, bytes)).not.toThrow();
    expect(() => assertDataFits(data, bytes - 1)).toThrow(withCode('SESSION_DATA_TOO_LARGE'));
    expect(() => assertDataFits(emptyData(), 0)).not.toThrow();
  });
});
