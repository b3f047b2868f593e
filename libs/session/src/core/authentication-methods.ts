import { SessionError } from './errors.js';

const METHOD_PATTERN = /^[A-Za-z0-9._-]+$/;

/** Longest list of methods, in characters with a space between every two. */
const MAX_LENGTH = 255;

/**
 * @throws `SESSION_AMR_INVALID` unless `amr` is a list of method names (RFC 8176) of letters, digits, `.`, `_` and `-`
 * that takes at most 255 characters in all.
 */
export function assertAmr(amr: readonly string[] | null | undefined): void {
  if (amr === null || amr === undefined) return;
  const isList = Array.isArray(amr) && amr.every((method) => METHOD_PATTERN.test(method));
  if (isList && amr.join(' ').length <= MAX_LENGTH) return;
  throw new SessionError(
    'SESSION_AMR_INVALID',
    `Expected \`amr\` to be a list of method names such as "pwd" or "otp", at most ${MAX_LENGTH} characters in all, got something else.`,
  );
}
