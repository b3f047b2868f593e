import { sessionState } from './session-policy.js';
import { policyOf, type SessionSettings } from './session-settings.js';
import type { SessionRecord } from './session.js';
import type { ParsedToken, SessionTokens } from './session-token.js';

/** A live session, found by a token that is good for it. */
export interface ActiveSession {
  readonly status: 'active';
  readonly record: SessionRecord;
  readonly token: ParsedToken;
  /** The token to send instead: set where the presented one was rotated away within the grace. */
  readonly successor: string | null;
  /** Set where it was found in the memory of this process: it may have ended elsewhere a moment ago. */
  readonly isCached?: true;
}

/** Why a token opens nothing. */
export type InactiveSession =
  /** No token was presented, or no row exists under its id. */
  | { readonly status: 'absent' }
  /** Not a token of this application. */
  | { readonly status: 'malformed' }
  | { readonly status: 'idle-expired' | 'absolute-expired'; readonly record: SessionRecord }
  | { readonly status: 'revoked'; readonly reason: string; readonly record: SessionRecord }
  /** The session lives under a newer token. */
  | { readonly status: 'superseded'; readonly record: SessionRecord; readonly reused: boolean };

export type Resolution = ActiveSession | InactiveSession;

/**
 * What a token that was parsed and looked up amounts to. Decides only; writes nothing.
 * @param presentedAgoMs milliseconds since the client presented it: a rotation of afterwards takes nothing from it. `null`
 * where that is not known: an old token is refused then, but is no sign of a theft.
 */
export function resolveRecord(
  token: ParsedToken,
  record: SessionRecord | undefined,
  tokens: SessionTokens,
  settings: SessionSettings,
  presentedAgoMs: number | null = 0,
): Resolution {
  if (record === undefined) return { status: 'absent' };
  const { session } = record;
  const state = sessionState(record, policyOf(settings, session));
  if (state.status !== 'active') return { ...state, record };
  if (token.generation === session.generation) {
    return tokens.matches(token, record.tokenHash)
      ? { status: 'active', record, token, successor: null }
      : { status: 'superseded', record, reused: false };
  }
  if (token.generation > session.generation) return { status: 'superseded', record, reused: false };
  const presentedAt = record.now - (presentedAgoMs ?? 0);
  const inGrace = presentedAt - (session.rotatedAt ?? 0) < settings.rotationGraceMs;
  if (!inGrace) return { status: 'superseded', record, reused: presentedAgoMs !== null };
  const successor = tokens.knownSuccessor(token, record.tokenHash);
  if (successor === undefined) return { status: 'superseded', record, reused: false };
  return { status: 'active', record, token, successor: successor.token };
}
