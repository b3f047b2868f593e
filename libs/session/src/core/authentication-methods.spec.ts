import { describe, expect, it } from '@jest/globals';

import { assertAmr } from './authentication-methods.js';

describe('authentication methods', () => {
  it.each([[null], [undefined], [[]], [['pwd']], [['pwd', 'otp', 'x-hw.key_1']]])(
    'takes %j',
    (amr) => {
      expect(() => assertAmr(amr)).not.toThrow();
    },
  );

  it.each([
    ['a name with a space', ['pass word']],
    ['an empty name', ['']],
    ['more than the column holds', Array.from({ length: 86 }, () => 'otp')],
    ['no list', 'pwd' as unknown as string[]],
    ['no text', [1 as unknown as string, '"']],
  ])('refuses %s', (_, amr) => {
    expect(() => assertAmr(amr)).toThrow('[SESSION_AMR_INVALID]');
  });
});
