import { describe, expect, it } from '@jest/globals';

import { skewedDate } from '../../../../test/support/skewed-date.js';
import { FakeClock } from '../testing/fake-clock.js';
import { days, seconds } from './duration.js';
import { StoreTime } from './store-time.js';

const HEARD = Date.UTC(2030, 0, 1);

/** What this machine may take between two lines. */
const ROOM_MS = seconds(2);

const machine = skewedDate();

describe('StoreTime', () => {
  it('is what was heard and what has passed since, whatever this machine says', () => {
    const time = new StoreTime(null);
    expect(time.isKnown).toBe(false);
    time.hear(HEARD);
    expect(time.isKnown).toBe(true);
    expect(time.now - HEARD).toBeLessThan(ROOM_MS);
    expect(time.now).toBeGreaterThanOrEqual(HEARD);
  });

  it.each([-days(1), days(1)])(
    'goes on where the clock of this machine is set by %d ms',
    (skewMs) => {
      const time = new StoreTime(null);
      machine.setSkew(0);
      time.hear(HEARD);
      machine.setSkew(skewMs);
      expect(Math.abs(time.now - HEARD)).toBeLessThan(ROOM_MS);
    },
  );

  it('does not go back for an answer that was long on its way', () => {
    const time = new StoreTime(null);
    time.hear(HEARD);
    time.hear(HEARD - seconds(4));
    expect(time.now).toBeGreaterThanOrEqual(HEARD);
    time.hear(HEARD + seconds(4));
    expect(time.now).toBeGreaterThanOrEqual(HEARD + seconds(4));
  });

  it('follows a store whose clock was set back', () => {
    const time = new StoreTime(null);
    time.hear(HEARD);
    time.hear(HEARD - days(1));
    expect(time.now - (HEARD - days(1))).toBeLessThan(ROOM_MS);
  });

  it('is that of a clock that was given, which nothing that is heard moves', () => {
    const clock = new FakeClock(HEARD);
    const time = new StoreTime(clock);
    time.hear(HEARD + days(1));
    expect([time.isKnown, time.now]).toEqual([true, HEARD]);
  });
});
