import { describe, expect, it } from '@jest/globals';

import { invalidateOnOf } from './invalidate-on.options-check.js';
import { OptionsReader } from './options-reader.js';

function problemsOf(invalidateOn: unknown): readonly string[] {
  const read = new OptionsReader({ invalidateOn });
  invalidateOnOf(read);
  return read.finish();
}

describe('the option invalidateOn', () => {
  it('is an empty list unless given', () => {
    expect(invalidateOnOf(new OptionsReader({}))).toEqual([]);
  });

  it('takes the property userId of the payload for the user id unless told otherwise', () => {
    const [event] = invalidateOnOf(new OptionsReader({ invalidateOn: ['user.left'] }));
    expect(event).toMatchObject({ event: 'user.left', reason: 'revoked' });
    expect(event?.userId({ userId: 'ada' })).toBe('ada');
    for (const payload of [undefined, null, 'ada', 7, {}]) {
      expect(event?.userId(payload)).toBeUndefined();
    }
  });

  it('takes a function for the user id, and a reason', () => {
    const userId = (payload: { readonly id: number }): number => payload.id;
    const given = { event: 'user.banned', userId, reason: 'user-disabled' };
    expect(invalidateOnOf(new OptionsReader({ invalidateOn: [given] }))).toEqual([given]);
  });

  it.each([
    ['no list', 'user.left', 'Expected `invalidateOn` to be a list, got a string'],
    ['no name', [''], 'In `invalidateOn[0]`: Expected `event` to be a string, got "" (string)'],
    ['a number', ['a', 7], 'In `invalidateOn[1]`: Expected `event` to be a string, got 7 (number)'],
    ['null', [null], 'In `invalidateOn[0]`: Expected `event` to be a string, got null'],
    [
      'an object without a name',
      [{ reason: 'left' }],
      'In `invalidateOn[0]`: Expected `event` to be a string, got undefined',
    ],
    [
      'a path instead of a function',
      [{ event: 'a', userId: 'user.id' }],
      'In `invalidateOn[0]`: Expected `userId` to be a function, got a string',
    ],
    [
      'a sentence for a reason',
      [{ event: 'a', reason: 'They left.' }],
      'In `invalidateOn[0]`: Expected `reason` to be 1 to 64 characters of a-z, 0-9, ".", "_" and "-", got others',
    ],
    [
      'an unknown part',
      [{ event: 'a', user: 'id' }],
      'In `invalidateOn[0]`: Expected no option `user`: there is none of that name',
    ],
  ])('refuses %s', (_, invalidateOn, problem) => {
    expect(problemsOf(invalidateOn)).toEqual([problem]);
  });
});
