import type { ExecutionContext } from '@nestjs/common';
import { SSE_METADATA } from '@nestjs/common/constants.js';
import type { Reflector } from '@nestjs/core';

import type { RevokeReason } from '../core/session.js';

/** Metadata keys of the decorators. */
export const ACCESS_METADATA = 'curfew:access';
export const STEP_UP_METADATA = 'curfew:step-up';
export const NO_TOUCH_METADATA = 'curfew:no-touch';
export const REVOKE_METADATA = 'curfew:revoke';

/** Whom a route lets in: everyone without a look-up, everyone, or only the signed in. */
export type RouteAccess = 'skip' | 'public' | 'required';

/** How recent, and how strong, the proof of the user's identity must be. */
export interface StepUpOptions {
  /** Longest time since the proof, in milliseconds. */
  readonly maxAgeMs?: number;
  /** Least authentication assurance level. */
  readonly aal?: 1 | 2 | 3;
}

/** Which sessions end when the handler has succeeded, and why. */
export interface RevokeSessionsOptions {
  /** All sessions of the user, all but the one of this request, or only that one. */
  readonly scope: 'all' | 'others' | 'current';
  /** @defaultValue `signed-out` for `current`, else `revoked` */
  readonly reason?: RevokeReason;
}

/** What the decorators of a handler and of its class say; of the same decorator the handler's holds. */
export interface RouteRequirements {
  readonly access: RouteAccess;
  readonly stepUp: StepUpOptions | undefined;
  readonly isTouching: boolean;
  readonly revokes: RevokeSessionsOptions | undefined;
  /** Whether the handler answers with server-sent events. */
  readonly isStream: boolean;
}

/** What the decorators of handlers say, read once for each: they are in place before the first request. */
export class RouteReader {
  readonly #known = new WeakMap<Function, WeakMap<Function, RouteRequirements>>();

  constructor(
    private readonly reflector: Reflector,
    private readonly defaultAccess: RouteAccess = 'required',
  ) {}

  requirementsOf(context: ExecutionContext): RouteRequirements {
    const handler = context.getHandler();
    const controller = context.getClass();
    let ofHandler = this.#known.get(handler);
    if (ofHandler === undefined) this.#known.set(handler, (ofHandler = new WeakMap()));
    let requirements = ofHandler.get(controller);
    if (requirements === undefined) {
      requirements = requirementsOf(this.reflector, context, this.defaultAccess);
      ofHandler.set(controller, requirements);
    }
    return requirements;
  }
}

/**
 * The only reader of the metadata. A route that says nothing is treated as `defaultAccess`. What the handler says about
 * access holds against its class; of two contrary words in one place the stricter holds.
 */
export function requirementsOf(
  reflector: Reflector,
  context: ExecutionContext,
  defaultAccess: RouteAccess = 'required',
): RouteRequirements {
  const handler = context.getHandler();
  const controller = context.getClass();
  const read = <T>(key: string): T | undefined =>
    reflector.getAllAndOverride<T | undefined>(key, [handler, controller]);
  const access = accessOf(reflector, handler) ?? accessOf(reflector, controller) ?? defaultAccess;
  return {
    access,
    stepUp: access === 'required' ? read<StepUpOptions>(STEP_UP_METADATA) : undefined,
    isTouching: read<boolean>(NO_TOUCH_METADATA) !== true,
    revokes: read<RevokeSessionsOptions>(REVOKE_METADATA),
    isStream: reflector.get<unknown>(SSE_METADATA, handler) === true,
  };
}

function accessOf(
  reflector: Reflector,
  target: Parameters<Reflector['get']>[1],
): RouteAccess | undefined {
  const isSteppedUp = reflector.get<unknown>(STEP_UP_METADATA, target) !== undefined;
  return isSteppedUp ? 'required' : reflector.get<RouteAccess | undefined>(ACCESS_METADATA, target);
}
