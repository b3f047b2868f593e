import { describe, expect, it } from '@jest/globals';

import { aal1, aal2, aal3 } from './assurance-policies.js';
import { days, hours, minutes } from './duration.js';

describe('assurance policies', () => {
  it('carry the limits of NIST SP 800-63B-4', () => {
    expect([aal1(), aal2(), aal3()]).toEqual([
      { idleTimeoutMs: null, absoluteTimeoutMs: days(30), persistent: false },
      { idleTimeoutMs: hours(1), absoluteTimeoutMs: hours(24), persistent: false },
      { idleTimeoutMs: minutes(15), absoluteTimeoutMs: hours(12), persistent: false },
    ]);
  });

  it('can be tightened', () => {
    expect(aal3({ idleTimeoutMs: minutes(5) })).toMatchObject({
      idleTimeoutMs: minutes(5),
      absoluteTimeoutMs: hours(12),
    });
    expect(aal1({ idleTimeoutMs: days(40) }).idleTimeoutMs).toBe(days(40));
  });

  it.each([
    ['idle', () => aal3({ idleTimeoutMs: minutes(15) + 1 })],
    ['absolute', () => aal3({ absoluteTimeoutMs: hours(12) + 1 })],
    ['idle at aal2', () => aal2({ idleTimeoutMs: hours(1) + 1 })],
    ['absolute at aal1', () => aal1({ absoluteTimeoutMs: days(30) + 1 })],
  ])('refuse a longer %s timeout', (_, make) => {
    expect(make).toThrow('SESSION_OPTIONS_INVALID');
  });
});
