/**
 * A server-side record of one client, anonymous or signed in. Points in time are epoch milliseconds of the store's
 * clock. Nothing here is accepted as a token: every field may be shown to the session's user, and `id` may be logged.
 */
export interface Session {
  /** UUIDv7. Public: names the session in lists, logs and events. */
  readonly id: string;
  /** Whose session this is; `null` while anonymous. */
  readonly userId: string | null;
  /** Name of the policy it was issued under. */
  readonly policy: string;
  /** Whether the cookie outlives the browser. */
  readonly persistent: boolean;
  /** How often the token was rotated; part of the token. */
  readonly generation: number;
  readonly rotatedAt: number | null;
  /** The principal's epoch at issue. The session ends when the principal's epoch passes it. */
  readonly epoch: number;
  readonly createdAt: number;
  readonly lastSeenAt: number;
  /** When the user last proved who they are; `null` while anonymous. */
  readonly authenticatedAt: number | null;
  /** Authentication assurance level of that proof (NIST SP 800-63B-4): 1, 2 or 3. */
  readonly aal: number | null;
  /** Methods of that proof (RFC 8176), such as `['pwd', 'otp']`. */
  readonly amr: readonly string[] | null;
  /** Longest silence in milliseconds; `null` where only the absolute timeout ends the session. */
  readonly idleTimeoutMs: number | null;
  /** When silence ends it, unless it is touched before. */
  readonly idleExpiresAt: number | null;
  /** When it ends at the latest. Never moved by activity or rotation. */
  readonly expiresAt: number;
  readonly revokedAt: number | null;
  readonly revokeReason: string | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  /** Counts the writes of the data. */
  readonly version: number;
}

/** What a store knows of a session: the session, and what never leaves the library. */
export interface SessionRecord {
  readonly session: Session;
  /** Hex SHA-256 of the token's secret. */
  readonly tokenHash: string;
  /** The data as JSON text, unparsed; `null` where none was ever written. */
  readonly data: string | null;
  /** The epoch that the principal requires now, and why it was last raised. */
  readonly requiredEpoch: number;
  readonly epochReason: string | null;
  /** The store's clock at the moment of the look-up: states are decided against it and nothing else. */
  readonly now: number;
}

/** Why a session is not usable, or that it is. */
export type SessionState =
  | { readonly status: 'active' }
  | { readonly status: 'idle-expired' }
  | { readonly status: 'absolute-expired' }
  | { readonly status: 'revoked'; readonly reason: string };

/** Reasons that Curfew itself gives; an application adds its own. At most 64 characters of `[a-z0-9._-]`. */
export type RevokeReason =
  | 'signed-out'
  | 'replaced'
  | 'password-changed'
  | 'user-disabled'
  | 'user-deleted'
  | 'token-reused'
  | 'limit-reached'
  | 'revoked'
  | (string & {});
