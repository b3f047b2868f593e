import fc from 'fast-check';

import { isSessionError } from '../../libs/session/src/core/errors.js';
import { TRAFFIC_KINDS, type TrafficRequest } from './session-traffic.js';
import type { TcpProxy } from './tcp-proxy.js';

/** A request waits no longer for its database: two faults are over before long. */
export const IMPATIENT = { storeTimeoutMs: 150 };

/** So many requests lie between two faults, and so long one lasts. */
const FAULT_EVERY = 250;
const FAULT_MS = 300;

/** Requests of two nodes, in an order that the seed decides. */
export function sampleRequests(seed: number, count: number): readonly TrafficRequest[] {
  return fc.sample(
    fc.record({
      kind: fc.constantFrom(...TRAFFIC_KINDS),
      node: fc.nat(1),
      user: fc.nat(),
      choice: fc.nat(),
    }),
    { seed, numRuns: count },
  );
}

/** Breaks one proxy after the other, in an order that the seed decides, each for a moment. @param onHealed called after it. */
export function faultsOn(
  proxies: readonly TcpProxy[],
  seed: number,
  requestCount: number,
  onHealed: (proxy: TcpProxy) => void = () => {},
): (index: number) => void {
  const faults = fc.sample(
    fc.record({ kind: fc.constantFrom('freeze', 'cut'), proxy: fc.nat() } as const),
    { seed, numRuns: Math.ceil(requestCount / FAULT_EVERY) },
  );
  return (index) => {
    const fault = index % FAULT_EVERY === 0 ? faults[index / FAULT_EVERY - 1] : undefined;
    const proxy = proxies[(fault?.proxy ?? 0) % proxies.length];
    if (fault === undefined || proxy === undefined) return;
    proxy[fault.kind]();
    setTimeout(() => void proxy.heal().then(() => onHealed(proxy)), FAULT_MS).unref();
  };
}

/** What a client may be answered with while a database fails; its own queries fail with the driver's errors. */
export function isOutage(error: unknown): boolean {
  return isSessionError(error, 'SESSION_STORE_UNAVAILABLE') || !isSessionError(error);
}
