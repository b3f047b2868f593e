import { SessionError } from './errors.js';

const REASON_PATTERN = /^[a-z0-9._-]{1,64}$/;

/** Whether `reason` is 1 to 64 characters of `a-z`, `0-9`, `.`, `_` and `-`. */
export function isRevokeReason(reason: string): boolean {
  return REASON_PATTERN.test(reason);
}

/** @throws `SESSION_REASON_INVALID` unless `reason` is 1 to 64 characters of `a-z`, `0-9`, `.`, `_` and `-`. */
export function assertRevokeReason(reason: string): void {
  if (isRevokeReason(reason)) return;
  throw new SessionError(
    'SESSION_REASON_INVALID',
    `Expected a reason of 1 to 64 characters of a-z, 0-9, ".", "_" and "-", got ${JSON.stringify(reason.slice(0, 64))}. It is kept with the row and shown to clients: write a code, not a sentence.`,
  );
}
