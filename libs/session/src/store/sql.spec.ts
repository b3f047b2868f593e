import { describe, expect, it } from '@jest/globals';

import { compile, join, Parameter, sql } from './sql.js';

const id = new Parameter('id', 'id');
const name = new Parameter('name', 'text');

describe('sql', () => {
  it('nests pieces and keeps text as it is', () => {
    const condition = sql`${'"id"'} = ${id}`;
    expect(compile(sql`select ${1} where ${condition}`, () => '?')).toEqual({
      text: 'select 1 where "id" = ?',
      parameters: [id],
    });
  });

  it('lists a parameter wherever it stands, under a position of its own', () => {
    const { text, parameters } = compile(
      sql`${name} ${id} ${name}`,
      (type, position) => `$${position}::${type}`,
    );
    expect(text).toBe('$1::text $2::id $3::text');
    expect(parameters).toEqual([name, id, name]);
  });

  it('joins pieces with parameters in their order', () => {
    const { text, parameters } = compile(join([sql`a = ${id}`, 'b', name], ', '), () => '?');
    expect(text).toBe('a = ?, b, ?');
    expect(parameters).toEqual([id, name]);
  });

  it('puts a statement of several lines on one, and leaves the spaces of a name alone', () => {
    const text = sql`select
      ${'"two  spaces"'}
      from t`;
    expect(compile(text, () => '?').text).toBe('select "two  spaces" from t');
  });
});
