import { SetMetadata } from '@nestjs/common';

import {
  ACCESS_METADATA,
  NO_TOUCH_METADATA,
  STEP_UP_METADATA,
  type StepUpOptions,
} from './route-requirements.js';

type RouteDecorator = MethodDecorator & ClassDecorator;

/**
 * Lets everyone in. The session is looked up when somebody first asks for it: a route that does not look costs no query,
 * and its answer may be cached. Store down: only those that look fail.
 */
export const Public = (): RouteDecorator => SetMetadata(ACCESS_METADATA, 'public');

/**
 * Keeps Curfew away from the route: no session, no check of the origin, nothing on the request. For health checks, and for
 * requests of other machines that prove themselves otherwise.
 */
export const SkipSession = (): RouteDecorator => SetMetadata(ACCESS_METADATA, 'skip');

/** Demands a signed-in session, else 401. The default, unless the module says `globalGuard: false` or the class `@Public()`. */
export const RequireSession = (): RouteDecorator => SetMetadata(ACCESS_METADATA, 'required');

/**
 * Demands that the user proved who they are lately, or strongly, or both; else 403 `SESSION_STEP_UP_REQUIRED`, with what is
 * missing. `RequestSession.stepUp` and `signIn` record such a proof. Implies `@RequireSession()`.
 */
export const StepUp = (options: StepUpOptions): RouteDecorator =>
  SetMetadata(STEP_UP_METADATA, options);

/** Does not count requests of the route as activity: a page that polls keeps no session alive. */
export const NoTouch = (): RouteDecorator => SetMetadata(NO_TOUCH_METADATA, true);
