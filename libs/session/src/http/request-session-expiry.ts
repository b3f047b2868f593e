import { SessionError } from '../core/errors.js';
import type { SessionPolicy } from '../core/session-policy.js';
import { policyNamed, type SessionSettings } from '../core/session-settings.js';
import type { SessionWork } from '../core/session-work.js';
import type { Session } from '../core/session.js';

/** The longest life that a session may be given: its policy's, or its own where the policy is no longer defined. */
export interface ExpiryLimits {
  readonly policyName: string;
  readonly policy: SessionPolicy;
  /** When the session was issued, or now for one that is yet to be, in epoch milliseconds. */
  readonly issuedAt: number;
  readonly now: number;
}

type Expiry = SessionWork['expiry'];

/** Shortest idle timeout, in milliseconds. */
const MIN_IDLE_TIMEOUT_MS = 1000;

const CURE = 'For a longer life, sign in under a policy that has one.';

/** The limits of a stored session, or of one to be issued under the named policy. */
export function expiryLimits(
  settings: SessionSettings,
  subject: Session | string,
  now: number,
): ExpiryLimits {
  if (typeof subject === 'string') {
    return { policyName: subject, policy: policyNamed(settings, subject), issuedAt: now, now };
  }
  const { policy: policyName, idleTimeoutMs, createdAt, expiresAt, persistent } = subject;
  const own = { idleTimeoutMs, absoluteTimeoutMs: expiresAt - createdAt, persistent };
  const isDefined = Object.hasOwn(settings.policies, policyName);
  const policy = isDefined ? policyNamed(settings, policyName) : own;
  return { policyName, policy, issuedAt: createdAt, now };
}

/**
 * An idle timeout of `ms` milliseconds: it slides with each touch.
 * @throws `SESSION_EXPIRY_INVALID` unless `ms` is a whole number from 1,000 to the policy's idle timeout, or its absolute
 * one where it has no other.
 */
export function expiryAfter(ms: number, { policyName, policy }: ExpiryLimits): Expiry {
  const limit = policy.idleTimeoutMs ?? policy.absoluteTimeoutMs;
  if (Number.isSafeInteger(ms) && ms >= MIN_IDLE_TIMEOUT_MS && ms <= limit)
    return { idleTimeoutMs: ms };
  throw new SessionError(
    'SESSION_EXPIRY_INVALID',
    `Expected a whole number of milliseconds from ${MIN_IDLE_TIMEOUT_MS} to ${limit}, the idle timeout of the policy ${JSON.stringify(policyName)}, got ${ms}. ${CURE}`,
  );
}

/**
 * An absolute end at `date`: it does not slide.
 * @throws `SESSION_EXPIRY_INVALID` unless `date` is in the future and within the policy's absolute timeout.
 */
export function expiryAt(date: Date, { policyName, policy, issuedAt, now }: ExpiryLimits): Expiry {
  const expiresAt = date instanceof Date ? date.getTime() : Number.NaN;
  const limit = issuedAt + policy.absoluteTimeoutMs;
  if (expiresAt > now && expiresAt <= limit) return { expiresAt };
  throw new SessionError(
    'SESSION_EXPIRY_INVALID',
    `Expected a Date from now to ${new Date(limit).toISOString()}, the absolute timeout of the policy ${JSON.stringify(policyName)}, got ${Number.isNaN(expiresAt) ? 'no valid Date' : date.toISOString()}. End a session with signOut(). ${CURE}`,
  );
}

/** Undoes `expiryAfter`, `expiryAt` and a cookie's end with the browser: everything as the policy says. */
export function defaultExpiry({ policy, issuedAt }: ExpiryLimits): Expiry {
  return {
    idleTimeoutMs: policy.idleTimeoutMs,
    expiresAt: issuedAt + policy.absoluteTimeoutMs,
    persistent: policy.persistent,
  };
}
