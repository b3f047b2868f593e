import { purge } from './purge/purge.scenario.js';
import { request } from './request/request.scenario.js';
import { resolve } from './resolve/resolve.scenario.js';
import type { Scenario } from './scenario.js';
import { touch } from './touch/touch.scenario.js';

/** In the order in which they run and are documented. */
export const scenarios: readonly Scenario[] = [request, resolve, touch, purge];
