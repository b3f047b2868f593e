import { SessionError } from '../core/errors.js';
import { assertUserId, EVERYONE } from '../core/user-id.js';

/** What a worker can be asked to do. */
export type SessionJob =
  | { readonly name: 'purge' }
  | { readonly name: 'revoke-user'; readonly userId: string }
  | { readonly name: 'revoke-everyone' };

/** The format of the payloads. A worker refuses the jobs of another: it cannot know what they mean. */
export const PAYLOAD_VERSION = 1;

/** A job as a queue holds it. */
export interface JobPayload {
  readonly name: string;
  /** Never holds a token: a user id at most. */
  readonly data: { readonly version: number; readonly userId?: string };
}

/** The job that marks and announces the ended sessions of a user, or with `EVERYONE` those of all. */
export function sweepJob(userId: string): SessionJob {
  return userId === EVERYONE ? { name: 'revoke-everyone' } : { name: 'revoke-user', userId };
}

export function encodeJob({ name, ...parameters }: SessionJob): JobPayload {
  return { name, data: { version: PAYLOAD_VERSION, ...parameters } };
}

/**
 * Reads a job that a queue delivered, from whoever could write to it.
 * @throws `SESSION_JOB_INVALID` for another version, an unknown name, and keys that are missing, malformed or too many.
 */
export function decodeJob(name: string, data: unknown): SessionJob {
  if (!isRecord(data)) throw invalid('data to be an object', data === null ? 'null' : typeof data);
  const { version, ...parameters } = data;
  if (version !== PAYLOAD_VERSION) {
    throw invalid(
      `version ${PAYLOAD_VERSION}`,
      typeof version === 'number' ? `${version}` : typeof version,
    );
  }
  switch (name) {
    case 'purge':
    case 'revoke-everyone':
      assertKeys(parameters, []);
      return { name };
    case 'revoke-user':
      assertKeys(parameters, ['userId']);
      return { name, userId: userIdOf(parameters) };
    default:
      throw invalid(
        'the name "purge", "revoke-user" or "revoke-everyone"',
        `another of ${name.length} characters`,
      );
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function assertKeys(parameters: object, names: readonly string[]): void {
  const count = Object.keys(parameters).filter((name) => !names.includes(name)).length;
  if (count > 0) throw invalid('no other keys', `${count} more`);
}

function userIdOf({ userId }: Record<string, unknown>): string {
  try {
    assertUserId(userId);
    return userId;
  } catch (cause) {
    throw invalid('a user id', `a ${typeof userId} that is none`, cause);
  }
}

/** The payload stays out of the message: it is whatever somebody wrote. */
function invalid(expected: string, found: string, cause?: unknown): SessionError {
  return new SessionError(
    'SESSION_JOB_INVALID',
    `Expected a job with ${expected}, got ${found}. Deploy the same version of nestjs-curfew to the processes that share a queue.`,
    { cause },
  );
}
