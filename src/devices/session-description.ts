import type { RequestSession } from 'nestjs-curfew';

/** What a user is told about the session they are using. Instants are epoch milliseconds. */
export interface SessionDescription {
  readonly id: string | null;
  readonly createdAt: number | null;
  readonly lastSeenAt: number | null;
  readonly authenticatedAt: number | null;
  /** When silence ends it; moves with activity. */
  readonly idleExpiresAt: number | null;
  /** When it ends at the latest. */
  readonly expiresAt: number | null;
}

export function describeSession(session: RequestSession): SessionDescription {
  const { id, createdAt, lastSeenAt, authenticatedAt, idleExpiresAt, expiresAt } = session;
  return { id, createdAt, lastSeenAt, authenticatedAt, idleExpiresAt, expiresAt };
}
