import type { Session } from 'nestjs-curfew';

import { describeUserAgent, type UserAgentDescription } from './user-agent-description.js';

type SessionPart = Pick<
  Session,
  'id' | 'createdAt' | 'lastSeenAt' | 'idleExpiresAt' | 'expiresAt' | 'ip' | 'userAgent'
>;

/** One line of "where you are signed in". Instants are epoch milliseconds. */
export interface Device extends SessionPart, UserAgentDescription {
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
    ...describeUserAgent(userAgent),
  };
}
