import { SessionError } from './errors.js';
import type { PurgeTiming, SessionPolicy } from './session-policy.js';

/** What to do when a token is presented that was rotated away longer than the grace ago. */
export type ReuseReaction = 'revoke' | 'report';

/** What a sign-in meets that would give the user one session more than `maxSessionsPerUser`. */
export type LimitReaction = 'revoke-oldest' | 'refuse';

/** The settings of `core`, complete and checked: every default is filled in. */
export interface SessionSettings extends PurgeTiming {
  readonly policies: Readonly<Record<string, SessionPolicy>>;
  readonly touchIntervalMs: number;
  readonly touchFlushMs: number;
  readonly rotationIntervalMs: number | null;
  readonly rotationGraceMs: number;
  readonly onReuse: ReuseReaction;
  /** `null` for any number. */
  readonly maxSessionsPerUser: number | null;
  readonly onLimit: LimitReaction;
  readonly maxDataBytes: number;
  readonly recordIp: boolean;
  readonly recordUserAgent: boolean;
}

/** The policy of sessions without a user. */
export const ANONYMOUS_POLICY = 'anonymous';

/** The policy of a sign-in that names none. */
export const DEFAULT_POLICY = 'default';

/** The policy that a session was issued under, as configured now; `undefined` where it is no longer defined. */
export function policyOf(
  { policies }: Pick<SessionSettings, 'policies'>,
  { policy }: { readonly policy: string },
): SessionPolicy | undefined {
  return Object.hasOwn(policies, policy) ? policies[policy] : undefined;
}

/** @throws `SESSION_POLICY_UNKNOWN` */
export function policyNamed(settings: SessionSettings, name: string): SessionPolicy {
  const policy = policyOf(settings, { policy: name });
  if (policy !== undefined) return policy;
  throw new SessionError(
    'SESSION_POLICY_UNKNOWN',
    `Expected one of the policies ${Object.keys(settings.policies).join(', ')}, got ${JSON.stringify(name)}. Define it in the module's options.`,
  );
}
