import type { SessionEvents } from './session-events.js';
import type { SessionStore } from './session-store.js';
import type { RevokeReason } from './session.js';

/** How all sessions of a user are ended together. */
export interface PrincipalRevocation {
  readonly reason: RevokeReason;
  /** The session that goes on. */
  readonly except?: string | undefined;
  /** The principal's epoch of before; if it is higher now, a trigger of the database has raised it. */
  readonly since?: number | undefined;
}

/** Ends all sessions of a user in the transaction of `store`, and announces it after the commit. */
export async function revokePrincipal(
  store: SessionStore,
  events: SessionEvents,
  userId: string,
  { reason, except, since }: PrincipalRevocation,
): Promise<void> {
  await store.raiseEpoch(userId, reason, except, since);
  store.afterCommit(() =>
    events.emit('principal:revoked', { userId, reason, exceptSessionId: except ?? null }),
  );
}
