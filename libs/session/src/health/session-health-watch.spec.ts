import { afterEach, describe, expect, it, jest } from '@jest/globals';

import { minutes } from '../core/duration.js';
import { captureLogs } from '../../../../test/support/captured-logger.js';
import type { SessionHealthWarning } from './health-warnings.js';
import { SessionHealthWatch } from './session-health-watch.js';
import type { SessionHealthDetails } from './session-health.indicator.js';

const logs = captureLogs();

const HEALTHY: SessionHealthDetails = {
  status: 'up',
  storeLatencyMs: 1,
  oldestOverdueMs: 0,
  workers: 1,
  warnings: [],
};

/** A watch over a health that the test decides. */
function watching() {
  let details = HEALTHY;
  const check = jest.fn(async (key: string) => ({ [key]: details }));
  return {
    check,
    watch: new SessionHealthWatch({ check: check as never }),
    warn: (...warnings: SessionHealthWarning[]) => (details = { ...HEALTHY, warnings }),
    fall: () => (details = { ...HEALTHY, status: 'down' }),
  };
}

describe('SessionHealthWatch', () => {
  afterEach(() => {
    jest.useRealTimers();
    logs.length = 0;
  });

  it('logs a warning once when it begins and once when it is over', async () => {
    const { watch, warn } = watching();
    await watch.look();
    expect(logs).toEqual([]);
    warn('no-worker');
    await watch.look();
    await watch.look();
    warn('no-worker', 'redis-evicts');
    await watch.look();
    warn('redis-evicts');
    await watch.look();
    expect(logs.map((line) => /warning=\S+( is over)?/.exec(line)?.[0])).toEqual([
      'warning=no-worker:',
      'warning=redis-evicts:',
      'warning=no-worker is over',
    ]);
  });

  it('takes nothing back while the database is away', async () => {
    const { watch, warn, fall } = watching();
    warn('no-worker');
    await watch.look();
    fall();
    await watch.look();
    warn('no-worker');
    await watch.look();
    expect(logs).toHaveLength(1);
  });

  it('looks once a minute from the start of the application to its end', async () => {
    jest.useFakeTimers();
    const { watch, check } = watching();
    watch.onApplicationBootstrap();
    expect(check).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(minutes(3));
    expect(check).toHaveBeenCalledTimes(3);
    await watch.beforeApplicationShutdown();
    await jest.advanceTimersByTimeAsync(minutes(3));
    expect(check).toHaveBeenCalledTimes(3);
  });
});
