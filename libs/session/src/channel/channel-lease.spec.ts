import { describe, expect, it } from '@jest/globals';

import { skewedDate } from '../../../../test/support/skewed-date.js';
import { until } from '../../../../test/support/until.js';
import { days } from '../core/duration.js';
import { ChannelLease } from './channel-lease.js';

const machine = skewedDate();

describe('ChannelLease', () => {
  it("is no shorter and no longer where the machine's clock is set", async () => {
    const lease = new ChannelLease(50);
    const renewedAt = performance.now();
    lease.renew(lease.beat());
    machine.setSkew(days(1));
    const isHeldAhead = lease.isHeld || performance.now() > renewedAt + 50;
    machine.setSkew(-days(1));
    await until(() => !lease.isHeld);
    expect(isHeldAhead).toBe(true);
    expect(performance.now() - renewedAt).toBeGreaterThanOrEqual(50);
  });
});
