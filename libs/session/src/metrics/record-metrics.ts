import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import type { SessionDiagnostics, SessionEventMessage } from '../core/session-diagnostics.js';
import type { SessionInstruments } from './session-instruments.js';

/**
 * Records what Curfew publishes in this process. Attributes are names from short lists, and the application's own
 * reasons: never an id of a session or a user, of which there are too many, and which are nobody's business.
 * @returns a function that stops it.
 */
export function recordMetrics(instruments: SessionInstruments): () => void {
  const stops = [
    listen('curfew:resolve', ({ durationMs, status }) =>
      instruments.resolve.record(durationMs / 1000, { 'curfew.session.status': status }),
    ),
    listen('curfew:lookup', ({ count }) => instruments.lookupSize.record(count)),
    listen('curfew:touch-skipped', () =>
      instruments.touches.add(1, { 'curfew.touch.result': 'skipped' }),
    ),
    listen('curfew:event', (message) => recordEvent(instruments, message)),
    listen('curfew:listener-failed', ({ name }) =>
      instruments.listenerFailures.add(1, { 'curfew.event.name': name }),
    ),
    listen('curfew:message-ignored', () => instruments.ignoredMessages.add(1)),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function recordEvent(instruments: SessionInstruments, { name, event }: SessionEventMessage): void {
  switch (name) {
    case 'session:touched':
      return instruments.touches.add(event.count, { 'curfew.touch.result': 'flushed' });
    case 'session:touches-lost':
      return instruments.touches.add(event.count, { 'curfew.touch.result': 'lost' });
    case 'session:revoked':
      return instruments.revocations.add(1, { 'curfew.session.revoke_reason': event.reason });
    case 'session:denied':
      return instruments.denials.add(1, { 'error.type': event.code });
    case 'session:reuse-detected':
      return instruments.reuses.add(1);
    case 'purge:completed':
      for (const [reason, count] of Object.entries(event.byReason)) {
        instruments.purgedRows.add(count, { 'curfew.session.end_reason': reason });
      }
      instruments.purgeRun.record(event.durationMs / 1000);
      instruments.slowestStatement.record(event.slowestStatementMs / 1000);
      return instruments.oldestOverdue.record(event.oldestOverdueMs / 1000);
    case 'purge:failed':
      return instruments.purgeFailures.add(1);
    case 'store:unavailable':
      return instruments.outages.add(1);
    default:
  }
}

function listen<Name extends keyof SessionDiagnostics>(
  name: Name,
  listener: (message: SessionDiagnostics[Name]) => void,
): () => void {
  const onMessage = (message: unknown): void => listener(message as SessionDiagnostics[Name]);
  subscribe(name, onMessage);
  return () => void unsubscribe(name, onMessage);
}
