import { describe, expect, it } from '@jest/globals';

import { days, hours, minutes, seconds } from './duration.js';

describe('durations', () => {
  it('are in milliseconds', () => {
    expect([seconds(1), minutes(1), hours(1), days(1)]).toEqual([
      1000, 60_000, 3_600_000, 86_400_000,
    ]);
  });

  it('multiply', () => {
    expect(minutes(0.5)).toBe(seconds(30));
    expect(hours(36)).toBe(days(1.5));
  });
});
