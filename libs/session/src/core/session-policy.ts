import type { Session, SessionRecord, SessionState } from './session.js';

/** How long sessions of one kind live. */
export interface SessionPolicy {
  /** Longest silence in milliseconds, at least 1000; `null` for none. */
  readonly idleTimeoutMs: number | null;
  /** Longest life in milliseconds, at least 1000 and not below `idleTimeoutMs`. */
  readonly absoluteTimeoutMs: number;
  /** Whether the cookie outlives the browser. */
  readonly persistent: boolean;
}

/** The two instants that end a session by themselves. */
export interface Deadlines {
  readonly idleExpiresAt: number | null;
  readonly expiresAt: number;
}

/** When a session dies that is issued, or touched, at `now`. */
export function deadlinesAt(
  now: number,
  timeouts: { readonly idleTimeoutMs: number | null; readonly expiresAt: number },
): Deadlines {
  return {
    idleExpiresAt: timeouts.idleTimeoutMs === null ? null : now + timeouts.idleTimeoutMs,
    expiresAt: timeouts.expiresAt,
  };
}

/** The earlier of the two. */
export function earliestDeadline({ idleExpiresAt, expiresAt }: Deadlines): number {
  return idleExpiresAt === null ? expiresAt : Math.min(idleExpiresAt, expiresAt);
}

/** When rows may be purged. */
export interface PurgeTiming {
  /** How long an ended row is kept so that the next refusal can say why. */
  readonly retentionMs: number;
  /** `purge_at` is rounded up to a multiple of this, so that touches seldom move the only expiry index. */
  readonly purgeBucketMs: number;
}

/** The `purge_at` of a session that ends at `endsAt`: never before it, and the same for a whole bucket. */
export function purgeAt(endsAt: number, { retentionMs, purgeBucketMs }: PurgeTiming): number {
  return Math.ceil(endsAt / purgeBucketMs) * purgeBucketMs + retentionMs;
}

/**
 * The deadlines that hold for a session under its policy as configured now: a policy that was lowered shortens sessions
 * that exist, one that was raised does not lengthen them. A policy that is no longer defined changes nothing.
 */
export function effectiveDeadlines(session: Session, policy: SessionPolicy | undefined): Deadlines {
  const { idleExpiresAt, expiresAt, createdAt, lastSeenAt } = session;
  if (policy === undefined) return { idleExpiresAt, expiresAt };
  const idleLimit = policy.idleTimeoutMs === null ? null : lastSeenAt + policy.idleTimeoutMs;
  return {
    idleExpiresAt: shorter(idleExpiresAt, idleLimit),
    expiresAt: Math.min(expiresAt, createdAt + policy.absoluteTimeoutMs),
  };
}

/** The longest silence that holds for a session under its policy as configured now; `null` for none. */
export function effectiveIdleTimeoutMs(
  { idleTimeoutMs }: Session,
  policy: SessionPolicy | undefined,
): number | null {
  return shorter(idleTimeoutMs, policy?.idleTimeoutMs ?? null);
}

/**
 * The state of a session at the moment it was read. Revocation is named before expiry, and the absolute timeout before
 * the idle one. A session is over *at* its deadline (ASVS 7.3.1, 7.3.2).
 */
export function sessionState(
  record: SessionRecord,
  policy: SessionPolicy | undefined,
): SessionState {
  const { session, now } = record;
  if (session.revokedAt !== null) {
    return { status: 'revoked', reason: session.revokeReason ?? 'revoked' };
  }
  if (session.epoch < record.requiredEpoch) {
    return { status: 'revoked', reason: record.epochReason ?? 'revoked' };
  }
  const { idleExpiresAt, expiresAt } = effectiveDeadlines(session, policy);
  if (expiresAt <= now) return { status: 'absolute-expired' };
  if (idleExpiresAt !== null && idleExpiresAt <= now) return { status: 'idle-expired' };
  return { status: 'active' };
}

/** The shorter of two spans, or the earlier of two instants; `null` is no limit. */
export function shorter(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}
