import { describe, expect, it } from '@jest/globals';

import { HIGHEST_ID, isSessionId, issuedAt, LOWEST_ID, lowestIdAt } from './session-id.js';
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

describe('issuedAt and lowestIdAt', () => {
  const at = Date.UTC(2026, 0, 1);

  it('read and write the time of an id', () => {
    expect(issuedAt(id)).toBe(at);
    expect(issuedAt(lowestIdAt(at + 1))).toBe(at + 1);
  });

  it('enclose the ids of an instant', () => {
    expect(lowestIdAt(at) <= id && id < lowestIdAt(at + 1)).toBe(true);
    expect(LOWEST_ID < lowestIdAt(-5) && lowestIdAt(at) < HIGHEST_ID).toBe(true);
  });

  it('make what a column of type uuid takes', () => {
    for (const made of [lowestIdAt(0), lowestIdAt(at), LOWEST_ID, HIGHEST_ID]) {
      expect(isSessionId(made)).toBe(true);
    }
  });
});
