import { describe, expect, it } from '@jest/globals';

import { isSessionId } from './session-id.js';
import { newSessionId } from './session-token.js';

const id = newSessionId(Date.UTC(2026, 0, 1));

describe('isSessionId', () => {
  it('takes what newSessionId makes', () => {
    expect(isSessionId(id)).toBe(true);
  });

  it.each(['', 'x', id.toUpperCase(), `${id} `, id.replaceAll('-', ''), undefined, 7, [id]])(
    'refuses %j',
    (value) => {
      expect(isSessionId(value)).toBe(false);
    },
  );
});
