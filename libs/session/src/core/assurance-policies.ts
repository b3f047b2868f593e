import { days, hours, minutes } from './duration.js';
import { SessionError } from './errors.js';

/** Timeouts in milliseconds, to tighten a level's limits. */
export interface AssuranceTimeouts {
  readonly idleTimeoutMs?: number;
  readonly absoluteTimeoutMs?: number;
}

interface AssurancePolicy {
  readonly idleTimeoutMs: number | null;
  readonly absoluteTimeoutMs: number;
  readonly persistent: false;
}

/** A policy within the limits of AAL1 (NIST SP 800-63B-4 section 2.1.3): at most 30 days in all, no idle timeout asked for. */
export const aal1 = (timeouts: AssuranceTimeouts = {}): AssurancePolicy =>
  within('aal1', { idleTimeoutMs: null, absoluteTimeoutMs: days(30) }, timeouts);

/** A policy within the limits of AAL2 (section 2.2.3): at most 1 hour of silence and 24 hours in all. */
export const aal2 = (timeouts: AssuranceTimeouts = {}): AssurancePolicy =>
  within('aal2', { idleTimeoutMs: hours(1), absoluteTimeoutMs: hours(24) }, timeouts);

/** A policy within the limits of AAL3 (section 2.3.3): at most 15 minutes of silence and 12 hours in all. */
export const aal3 = (timeouts: AssuranceTimeouts = {}): AssurancePolicy =>
  within('aal3', { idleTimeoutMs: minutes(15), absoluteTimeoutMs: hours(12) }, timeouts);

/** @throws `SESSION_OPTIONS_INVALID` where a timeout is longer than the level allows. */
function within(
  level: string,
  limits: { readonly idleTimeoutMs: number | null; readonly absoluteTimeoutMs: number },
  { idleTimeoutMs, absoluteTimeoutMs }: AssuranceTimeouts,
): AssurancePolicy {
  const problems = [
    tooLong(`${level}.idleTimeoutMs`, idleTimeoutMs, limits.idleTimeoutMs),
    tooLong(`${level}.absoluteTimeoutMs`, absoluteTimeoutMs, limits.absoluteTimeoutMs),
  ].filter((problem) => problem !== undefined);
  if (problems.length > 0) throw new SessionError('SESSION_OPTIONS_INVALID', problems.join(' '));
  return {
    idleTimeoutMs: idleTimeoutMs ?? limits.idleTimeoutMs,
    absoluteTimeoutMs: absoluteTimeoutMs ?? limits.absoluteTimeoutMs,
    persistent: false,
  };
}

function tooLong(name: string, got: number | undefined, limit: number | null): string | undefined {
  if (got === undefined || limit === null || got <= limit) return undefined;
  return `Expected \`${name}\` to be at most ${limit} (NIST SP 800-63B-4), got ${got}. For a longer life define a policy of your own.`;
}
