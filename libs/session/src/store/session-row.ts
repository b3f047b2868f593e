import type {
  EndedSession,
  PurgedCount,
  PurgedSession,
  StalePrincipal,
} from '../core/session-store.js';
import type { Session, SessionRecord } from '../core/session.js';

/** A row as the drivers return it: bigints perhaps as text, booleans perhaps as numbers. */
export type Row = Readonly<Record<string, unknown>>;

export function sessionOf(row: Row): Session {
  return {
    id: String(row['id']),
    userId: textOf(row['userId']),
    policy: String(row['policy']),
    persistent: Boolean(row['persistent']),
    generation: Number(row['generation']),
    rotatedAt: numberOf(row['rotatedAt']),
    epoch: Number(row['epoch']),
    createdAt: Number(row['createdAt']),
    lastSeenAt: Number(row['lastSeenAt']),
    authenticatedAt: numberOf(row['authenticatedAt']),
    aal: numberOf(row['aal']),
    amr: wordsOf(row['amr']),
    idleTimeoutMs: numberOf(row['idleTimeoutMs']),
    idleExpiresAt: numberOf(row['idleExpiresAt']),
    expiresAt: Number(row['expiresAt']),
    revokedAt: numberOf(row['revokedAt']),
    revokeReason: textOf(row['revokeReason']),
    ip: textOf(row['ip']),
    userAgent: textOf(row['userAgent']),
    version: Number(row['version']),
  };
}

export function recordOf(row: Row): SessionRecord {
  return {
    session: sessionOf(row),
    tokenHash: String(row['tokenHash']),
    data: textOf(row['data']),
    requiredEpoch: Number(row['requiredEpoch']),
    epochReason: textOf(row['epochReason']),
    now: Number(row['now']),
  };
}

export function endedSessionOf(row: Row, reason: string): EndedSession {
  return { id: String(row['id']), userId: textOf(row['userId']), reason };
}

export function purgedSessionOf(row: Row): PurgedSession {
  return { ...endedSessionOf(row, String(row['reason'])), purgeAt: Number(row['purgeAt']) };
}

export function purgedRowOf(row: Row): Pick<PurgedSession, 'reason' | 'purgeAt'> {
  return { reason: String(row['reason']), purgeAt: Number(row['purgeAt']) };
}

export function purgedCountOf(row: Row): PurgedCount {
  return {
    reason: String(row['reason']),
    count: Number(row['count']),
    oldestPurgeAt: Number(row['oldestPurgeAt']),
  };
}

export function stalePrincipalOf(row: Row): StalePrincipal {
  return {
    userId: String(row['userId']),
    epoch: Number(row['epoch']),
    reason: String(row['reason']),
  };
}

function numberOf(value: unknown): number | null {
  return value === null ? null : Number(value);
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function wordsOf(value: unknown): readonly string[] | null {
  return typeof value === 'string' ? (JSON.parse(value) as string[]) : null;
}
