import { createParamDecorator, SetMetadata, type ExecutionContext } from '@nestjs/common';

import type { SessionEventName } from '../core/session-events.js';
import { requestUnitOf, type RequestSession } from './request-session.js';
import { REVOKE_METADATA, type RevokeSessionsOptions } from './route-requirements.js';
import { requestSessionOf } from './session-context.js';

/** Metadata key of `@OnSessionEvent`. */
export const EVENT_METADATA = 'curfew:event';

/**
 * The request's `RequestSession`, looked up. On a public route it may be anonymous, or not stored at all.
 * @throws `SESSION_CONTEXT_MISSING` on a route with `@SkipSession()`; `SESSION_STORE_UNAVAILABLE`
 */
export const CurrentSession = createParamDecorator(
  (_: unknown, context: ExecutionContext): Promise<RequestSession> | RequestSession =>
    whenLoaded(context, (session) => session),
);

/** Whose session it is: a string on every route that needs a session, perhaps `null` on a public one. */
export const CurrentUserId = createParamDecorator(
  (_: unknown, context: ExecutionContext): Promise<string | null> | string | null =>
    whenLoaded(context, ({ userId }) => userId),
);

/** At once where the guard has looked the session up: Nest waits for nothing then. */
function whenLoaded<T>(
  context: ExecutionContext,
  read: (session: RequestSession) => T,
): Promise<T> | T {
  const session = requestSessionOf(context);
  return requestUnitOf(session).isLoaded ? read(session) : session.load().then(() => read(session));
}

/**
 * Ends sessions of the user once the handler has succeeded and its own changes are committed: not after a throw, nor after
 * an answer of 500 or above. Nobody signed in: nothing to end.
 */
export const RevokeSessions = (options: RevokeSessionsOptions): MethodDecorator & ClassDecorator =>
  SetMetadata(REVOKE_METADATA, options);

/**
 * Calls the method for each event of that name. Nothing waits for it, and what it throws is logged. Providers and
 * controllers that exist once; not those made for each request.
 */
export const OnSessionEvent = (name: SessionEventName): MethodDecorator =>
  SetMetadata(EVENT_METADATA, name);
