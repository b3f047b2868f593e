import { channel, type Channel } from 'node:diagnostics_channel';

import type { SessionEventMap, SessionEventName } from './session-event-map.js';
import type { Resolution } from './session-resolution.js';

/** An event of `SessionEvents` with its name. Holds ids of sessions and users: no attributes for a metric. */
export type SessionEventMessage = {
  [Name in SessionEventName]: { readonly name: Name; readonly event: SessionEventMap[Name] };
}[SessionEventName];

/**
 * What Curfew publishes on channels of `node:diagnostics_channel`, by the channel's name. Nothing is measured where nobody
 * listens. None of it holds a token, a cookie, a user agent or SQL.
 */
export interface SessionDiagnostics {
  /** A presented token was looked at. What the option `cache` answers from memory is not counted. */
  'curfew:resolve': {
    readonly durationMs: number;
    /** What it came to, or `failed` where the store did not answer. */
    readonly status: Resolution['status'] | 'failed';
  };
  /** A statement looked up this many sessions. */
  'curfew:lookup': { readonly count: number };
  /** Activity was not written: the last was written within the touch interval. */
  'curfew:touch-skipped': Record<string, never>;
  /** Everything that `SessionEvents` announces. */
  'curfew:event': SessionEventMessage;
  /** A listener of an event threw or rejected. */
  'curfew:listener-failed': { readonly name: SessionEventName };
  /** A message on the channel between processes was none of this deployment's, and was ignored. */
  'curfew:message-ignored': Record<string, never>;
}

type Channels = {
  readonly [Name in keyof SessionDiagnostics]: Pick<
    Channel<SessionDiagnostics[Name]>,
    'hasSubscribers' | 'publish'
  >;
};

/** The channels, by name. Ask `hasSubscribers` before anything is measured or made for `publish`. */
export const diagnostics: Channels = {
  'curfew:resolve': channel('curfew:resolve'),
  'curfew:lookup': channel('curfew:lookup'),
  'curfew:touch-skipped': channel('curfew:touch-skipped'),
  'curfew:event': channel('curfew:event'),
  'curfew:listener-failed': channel('curfew:listener-failed'),
  'curfew:message-ignored': channel('curfew:message-ignored'),
};

/** Measures `resolve`. What it resolves or rejects with stays the same. */
export async function publishResolve(resolve: () => Promise<Resolution>): Promise<Resolution> {
  const startedAt = performance.now();
  let status: Resolution['status'] | 'failed' = 'failed';
  try {
    const resolution = await resolve();
    status = resolution.status;
    return resolution;
  } finally {
    diagnostics['curfew:resolve'].publish({ durationMs: performance.now() - startedAt, status });
  }
}
