import type { Session } from 'nestjs-curfew';

/** One line of "where you are signed in". Instants are epoch milliseconds. */
export interface Device extends Pick<
  Session,
  'id' | 'createdAt' | 'lastSeenAt' | 'idleExpiresAt' | 'expiresAt' | 'ip' | 'userAgent'
> {
  /** Whether it is the session that asks. */
  readonly current: boolean;
}

export function describeDevice(session: Session, currentId: string | null): Device {
  const { id, createdAt, lastSeenAt, idleExpiresAt, expiresAt, ip, userAgent } = session;
  return {
    id,
    current: id === currentId,
    createdAt,
    lastSeenAt,
    idleExpiresAt,
    expiresAt,
    ip,
    userAgent,
  };
}
