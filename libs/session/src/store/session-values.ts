import type { NewSession, Touch } from '../core/session-store.js';
import { words } from './column-transformers.js';
import { isSessionId } from '../core/session-id.js';
import type { Values } from './statement-runner.js';

/** What the columns hold, in characters. The client decides what it sends; it must not decide whether a write fails. */
const MAX_IP_LENGTH = 45;
const MAX_USER_AGENT_LENGTH = 512;

/** What an insert binds. */
export function newSessionValues(session: NewSession): Values {
  return {
    ...session,
    amr: words.to(session.amr),
    ip: clip(session.ip, MAX_IP_LENGTH),
    userAgent: clip(session.userAgent, MAX_USER_AGENT_LENGTH),
  };
}

/**
 * Touches as the JSON that a statement reads: the latest of each session, in the order of ids, so that two flushes
 * lock their rows in the same order. `null` where there is none.
 */
export function touchRows(touches: readonly Touch[]): string | null {
  const latest = new Map<string, Touch>();
  for (const touch of touches) {
    const known = latest.get(touch.id);
    if (isSessionId(touch.id) && (known?.ageMs ?? Infinity) > touch.ageMs)
      latest.set(touch.id, touch);
  }
  if (latest.size === 0) return null;
  const rows = [...latest.values()]
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, ageMs, idleTimeoutMs, ip, userAgent }) => ({
      id,
      age: ageMs,
      // A key that is absent is NULL everywhere; a JSON null is not.
      idle: idleTimeoutMs ?? undefined,
      ip: clip(ip, MAX_IP_LENGTH) ?? undefined,
      agent: clip(userAgent, MAX_USER_AGENT_LENGTH) ?? undefined,
    }));
  return JSON.stringify(rows);
}

function clip(text: string | null, length: number): string | null {
  // PostgreSQL takes neither NUL nor half a surrogate pair, which a cut can leave.
  return text === null ? null : text.replaceAll('\u0000', '').slice(0, length).toWellFormed();
}
