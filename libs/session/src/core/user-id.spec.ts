import { describe, expect, it } from '@jest/globals';

import { assertUserId, MAX_USER_ID_LENGTH } from './user-id.js';

describe('assertUserId', () => {
  it.each(['1', 'ada@example.org', 'ünïcode 🦊', ' ', '**', 'x'.repeat(MAX_USER_ID_LENGTH)])(
    'takes %j',
    (userId) => {
      expect(() => assertUserId(userId)).not.toThrow();
    },
  );

  it.each([
    ['an empty one', ''],
    ['one that is too long', 'x'.repeat(MAX_USER_ID_LENGTH + 1)],
    ["the one that stands for everyone's sessions", '*'],
    ['a NUL', 'a\u0000b'],
    ['half a surrogate pair', 'a\ud800'],
    ['a number', 7],
    ['an object', { toString: () => 'ada' }],
    ['null', null],
    ['undefined', undefined],
  ])('refuses %s', (_, userId) => {
    expect(() => assertUserId(userId)).toThrow(
      expect.objectContaining({ code: 'SESSION_USER_INVALID' }),
    );
  });

  it('does not repeat the id in the message', () => {
    expect(() => assertUserId('ada\u0000@example.org')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('ada') }),
    );
  });
});
