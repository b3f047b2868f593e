import { beforeEach, describe, expect, it } from '@jest/globals';

import type { ResolvedChannelOptions } from '../../libs/session/src/channel.options-check.js';
import { captureLogs } from '../support/captured-logger.js';
import { PrivateRedis } from '../support/redis.js';
import { channelName, channelOpener, untilLeased } from '../support/session-channels.js';
import { until } from '../support/until.js';

const logs = captureLogs();
const open = channelOpener();
const redis = await PrivateRedis.start();
function settings(server: PrivateRedis): ResolvedChannelOptions {
  return { driver: 'redis', connection: { url: server.url }, name: channelName() };
}

beforeEach(() => {
  logs.length = 0;
});

// `PrivateRedis` says so where there is none.
(redis === undefined ? describe.skip : describe)('a channel on a Redis that fails', () => {
  const server = redis as PrivateRedis;
  it('loses its lease within its time when Redis hangs', async () => {
    const a = await open(settings(server));
    await untilLeased(a);
    await server.freeze();
    const frozenAt = performance.now();
    try {
      const leaseAtFreeze = a.channel.leaseExpiresAt;
      expect(leaseAtFreeze).toBeLessThanOrEqual(frozenAt + 3000);
      const before = a.gapCount;
      await until(() => a.gapCount > before);
      expect(performance.now() - frozenAt).toBeLessThan(4000);
      expect(a.holdsLease).toBe(false);
      // Still frozen: trying again gives no lease.
      await until(() => logs.filter((line) => line.includes('channel unavailable')).length > 1);
      expect(a.holdsLease).toBe(false);
    } finally {
      server.thaw();
    }
    await untilLeased(a);
  });

  it('works again after Redis was killed and started empty', async () => {
    const shared = settings(server);
    const [a, b] = [await open(shared), await open(shared)];
    await untilLeased(a, b);
    await server.stop();
    await until(() => !a.holdsLease && !b.holdsLease);
    a.channel.publish({ kind: 'principal', userId: 'ann' });
    await server.start();
    await untilLeased(a, b);
    a.channel.publish({ kind: 'principal', userId: 'bob' });
    await until(() =>
      b.heard.some((notice) => notice.kind === 'principal' && notice.userId === 'bob'),
    );
    expect(b.gapCount).toBeGreaterThanOrEqual(3);
  });

  it('takes an event loop that was blocked for longer than the lease for a gap', async () => {
    const a = await open(settings(server));
    await untilLeased(a);
    const before = a.gapCount;
    const blockedUntil = performance.now() + 3500;
    while (performance.now() < blockedUntil);
    expect(a.holdsLease).toBe(false);
    await until(() => a.gapCount > before);
    await untilLeased(a);
  });
});
