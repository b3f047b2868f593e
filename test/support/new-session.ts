import { randomBytes } from 'node:crypto';

import { days, minutes } from '../../libs/session/src/core/duration.js';
import type { NewSession } from '../../libs/session/src/core/session-store.js';
import { newSessionId } from '../../libs/session/src/core/session-token.js';

/** A session to insert, of the user `ann` unless `overrides` says otherwise. */
export function newSession(overrides: Partial<NewSession> = {}): NewSession {
  return {
    id: newSessionId(Date.now()),
    tokenHash: randomBytes(32).toString('hex'),
    generation: 0,
    userId: 'ann',
    policy: 'default',
    persistent: false,
    idleTimeoutMs: minutes(30),
    absoluteTimeoutMs: days(1),
    expiresAt: null,
    aal: null,
    amr: null,
    ip: null,
    userAgent: null,
    data: null,
    ...overrides,
  };
}
