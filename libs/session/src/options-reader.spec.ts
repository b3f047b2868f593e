import { describe, expect, it } from '@jest/globals';

import { OptionsReader } from './options-reader.js';

/** The problems that a reading of the options finds. */
function problemsOf(options: unknown, read: (reader: OptionsReader) => unknown): readonly string[] {
  const reader = new OptionsReader(options);
  read(reader);
  return reader.finish();
}

describe('OptionsReader', () => {
  it('reads by path and falls back where nothing is given', () => {
    const reader = new OptionsReader({ cookie: { name: 'sid' } });
    expect(reader.matching('cookie.name', 'id', /./, 'a name')).toBe('sid');
    expect(reader.matching('cookie.path', '/', /./, 'a path')).toBe('/');
    expect(reader.integer('size', 7, { min: 0 })).toBe(7);
    expect(reader.boolean('cookie.secure', true)).toBe(true);
    expect(reader.oneOf('mode', 'a', ['a', 'b'])).toBe('a');
    expect(reader.list('origins', ['x'], () => true, 'anything')).toEqual(['x']);
    expect(reader.instance('when', Date)).toBeNull();
    expect(reader.optional('domain', () => 'never')).toBeUndefined();
    expect(reader.nullable('interval', null, () => 7)).toBeNull();
    expect(reader.keys('policies', /./)).toEqual([]);
    expect(reader.finish()).toEqual([]);
  });

  it('tells null from nothing where null has a meaning', () => {
    const reader = new OptionsReader({ idle: null });
    expect(reader.nullable('idle', undefined, () => 7)).toBeNull();
    expect(reader.nullable('other', undefined, () => 7)).toBe(7);
  });

  it.each([
    ['30m', '"30m" (string)'],
    [1.5, '1.5 (number)'],
    [Number.NaN, 'NaN (number)'],
    [10n, '10 (bigint)'],
    [true, 'true (boolean)'],
    [Symbol('x'), 'Symbol(x) (symbol)'],
    [[1], 'a list'],
    [{}, 'an object'],
    [() => 1, 'a function'],
    [999, '999 (number)'],
    [Number.MAX_VALUE, '1.7976931348623157e+308 (number)'],
  ])('says what it expected and what it got: %p', (value, got) => {
    expect(
      problemsOf({ ms: value }, (reader) => reader.integer('ms', 1000, { min: 1000 })),
    ).toEqual([`Expected \`ms\` to be an integer >= 1000, got ${got}`]);
  });

  it('names both bounds where there are two', () => {
    const read = (reader: OptionsReader) => reader.integer('ms', undefined, { min: 1, max: 9 });
    expect(problemsOf({ ms: 10 }, read)).toEqual([
      'Expected `ms` to be an integer from 1 to 9, got 10 (number)',
    ]);
    expect(problemsOf({}, read)).toEqual([
      'Expected `ms` to be an integer from 1 to 9, got undefined',
    ]);
  });

  it('finds one problem for one mistake', () => {
    const reader = new OptionsReader({ low: 5, high: 'x' });
    const high = reader.integer('high', 10, { min: 1 });
    expect(reader.integer('low', 1, { min: 1, max: high })).toBe(5);
    expect(reader.finish()).toHaveLength(1);
  });

  it.each<[string, (reader: OptionsReader) => unknown, unknown, string]>([
    ['a boolean', (reader) => reader.boolean('x', true), 'yes', 'a boolean, got "yes" (string)'],
    ['a string', (reader) => reader.string('x'), '', 'a string, got "" (string)'],
    [
      'a pattern',
      (reader) => reader.matching('x', '', /^a$/, 'an a'),
      'b',
      'an a, got "b" (string)',
    ],
    [
      'one of some',
      (reader) => reader.oneOf('x', 'a', ['a', 'b']),
      'c',
      '"a" or "b", got "c" (string)',
    ],
    [
      'a list',
      (reader) => reader.list('x', [], () => true, 'a name'),
      'a',
      'a list, each a name, got "a" (string)',
    ],
    [
      'an instance',
      (reader) => reader.instance('x', Date),
      7,
      'an instance of Date, got 7 (number)',
    ],
  ])('expects %s', (_, read, value, problem) => {
    expect(problemsOf({ x: value }, read)).toEqual([`Expected \`x\` to be ${problem}`]);
  });

  it('names the first member of a list that is wrong', () => {
    const isText = (value: unknown): boolean => typeof value === 'string';
    expect(
      problemsOf({ x: ['a', 7, 8] }, (reader) => reader.list('x', [], isText, 'a name')),
    ).toEqual(['Expected `x` to be a list, each a name, got 7 (number)']);
  });

  it('gives back a list of its own', () => {
    const given = ['a'];
    expect(new OptionsReader({ x: given }).list('x', [], () => true, 'a name')).not.toBe(given);
  });

  it('repeats nothing of what stands where an object belongs', () => {
    const url = 'redis://user:hunter2@host';
    const problems = [
      problemsOf({ x: url }, (reader) => reader.object('x')),
      problemsOf({ x: url }, (reader) => reader.keys('x', /./)),
      problemsOf({ x: url }, (reader) => reader.optional('x.y', () => 1)),
    ];
    for (const problem of problems) {
      expect(problem).toEqual(['Expected `x` to be an object, got a string']);
    }
  });

  describe('names of an object', () => {
    const read = (reader: OptionsReader): void => {
      for (const name of reader.keys('policies', /^[a-z]+$/)) {
        reader.integer(`policies.${name}.ms`, undefined, { min: 1 });
      }
    };

    it('are what the application chose', () => {
      const reader = new OptionsReader({ policies: { web: { ms: 1 }, kiosk: { ms: 2 } } });
      expect(reader.keys('policies', /^[a-z]+$/)).toEqual(['web', 'kiosk']);
    });

    it('may be none', () => {
      expect(problemsOf({ policies: {} }, read)).toEqual([]);
    });

    it('are refused one by one', () => {
      expect(problemsOf({ policies: { 'A B': {}, web: { ms: 1 } } }, read)).toEqual([
        'Expected `policies` to be an object with names like /^[a-z]+$/, got "A B" (string)',
      ]);
    });
  });

  it('finds every option that nobody asked for, at every depth', () => {
    const options = { cookie: { name: 'a', colour: 1 }, secrets: 'hunter2', known: { any: 1 } };
    const read = (reader: OptionsReader): void => {
      reader.matching('cookie.name', 'id', /./, 'a name');
      reader.object('known');
    };
    expect(problemsOf(options, read)).toEqual([
      'Expected no option `cookie.colour`: there is none of that name',
      'Expected no option `secrets`: there is none of that name',
    ]);
  });

  it('takes an option that is undefined for one that is not given', () => {
    const read = (reader: OptionsReader): unknown => reader.optional('cookie.domain', () => 1);
    expect(problemsOf({ cookie: undefined }, read)).toEqual([]);
    expect(problemsOf({ cookie: { domain: undefined } }, read)).toEqual([]);
  });

  it('reaches no inherited property', () => {
    const reader = new OptionsReader({});
    expect(reader.has('constructor')).toBe(false);
    expect(reader.take('toString.name')).toBeUndefined();
  });

  it.each([undefined, null, 'x', 7, []])('reads %p as no options at all', (options) => {
    const reader = new OptionsReader(options);
    expect(reader.integer('ms', 7, { min: 1 })).toBe(7);
    expect(reader.finish()).toEqual([]);
  });
});
