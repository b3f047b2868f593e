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

/** A touch as a statement reads it. */
export interface TouchRow {
  readonly id: string;
  readonly age: number;
  readonly idle: number | undefined;
  readonly ip: string | undefined;
  readonly agent: string | undefined;
}

/** The latest touch of each session, in the order of ids, so that two flushes lock their rows in the same order. */
export function touchRows(touches: readonly Touch[]): readonly TouchRow[] {
  const latest = new Map<string, Touch>();
  for (const touch of touches) {
    const known = latest.get(touch.id);
    if (isSessionId(touch.id) && (known?.ageMs ?? Infinity) > touch.ageMs)
      latest.set(touch.id, touch);
  }
  return [...latest.values()]
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, ageMs, idleTimeoutMs, ip, userAgent }) => ({
      id,
      age: ageMs,
      // A key that is absent is NULL everywhere; a JSON null is not.
      idle: idleTimeoutMs ?? undefined,
      ip: clip(ip, MAX_IP_LENGTH) ?? undefined,
      agent: clip(userAgent, MAX_USER_AGENT_LENGTH) ?? undefined,
    }));
}

function clip(text: string | null, length: number): string | null {
  // PostgreSQL takes neither NUL nor half a surrogate pair, which a cut can leave.
  return text === null ? null : text.replaceAll('\u0000', '').slice(0, length).toWellFormed();
}
