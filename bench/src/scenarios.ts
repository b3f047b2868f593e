import { footprint } from './footprint/footprint.scenario.js';
import { purge } from './purge/purge.scenario.js';
import { request } from './request/request.scenario.js';
import { resolve } from './resolve/resolve.scenario.js';
import { revoke } from './revoke/revoke.scenario.js';
import type { Scenario } from './scenario.js';
import { touch } from './touch/touch.scenario.js';

/** In the order in which they run and are documented. */
export const scenarios: readonly Scenario[] = [request, resolve, touch, revoke, footprint, purge];
