import {
  Inject,
  Injectable,
  Optional,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';

import { SessionError } from '../core/errors.js';
import { SessionEvents } from '../core/session-events.js';
import type { Resolution } from '../core/session-resolution.js';
import { SessionService } from '../core/session.service.js';
import { SESSION_GLOBAL_GUARD, SESSION_OPTIONS } from '../session.constants.js';
import type { ResolvedSessionOptions } from '../session.options-check.js';
import { foreignOrigin, isUnsafe } from './cross-origin.js';
import { presentedCsrfToken } from './csrf-token.js';
import { denialCode, whyDenied } from './denial.js';
import { isActivity, type HttpExchange } from './http-request.js';
import { RequestSession, requestUnitOf } from './request-session.js';
import type { RequestSessionParts } from './request-unit.js';
import { RouteReader, type RouteRequirements, type StepUpOptions } from './route-requirements.js';
import { createCarrier, type SessionCarrier } from './session-carrier.js';
import { exchangeOf, sessionOn } from './session-context.js';
import { refuse, toHttpError } from './session-exception.js';
import { toTransportError } from './transport-error.js';

/** A request that a guard has to let through or not. */
class Entry {
  constructor(
    readonly session: RequestSession,
    readonly exchange: HttpExchange,
    readonly route: RouteRequirements,
  ) {}
}

/**
 * Attaches a `RequestSession` to every request, as `request.session`, and lets through who may pass.
 *
 * Default-deny: a route that says nothing needs a signed-in session. No token, a bad, expired or revoked one: 401 that says
 * which. Store down: 503, and never 401. Unsafe requests of other origins: 403, on public routes too, as a foreign page
 * that signs a visitor in does harm as well. Resolvers and gateways are routes too; their refusals take the form that their
 * clients are used to.
 */
@Injectable()
export class SessionGuard implements CanActivate {
  readonly #carrier: SessionCarrier;
  readonly #parts: RequestSessionParts;
  readonly #routes: RouteReader;

  constructor(
    private readonly sessions: SessionService,
    private readonly events: SessionEvents,
    reflector: Reflector,
    @Inject(SESSION_OPTIONS) private readonly options: ResolvedSessionOptions,
    @Optional() @Inject(SESSION_GLOBAL_GUARD) globalGuard: boolean = true,
  ) {
    this.#routes = new RouteReader(reflector, globalGuard ? 'required' : 'public');
    this.#carrier = createCarrier(options);
    this.#parts = { sessions, options, carrier: this.#carrier };
  }

  /**
   * @throws `SESSION_CONTEXT_MISSING` where no request can be found behind the handler, unless it says `@SkipSession()`: for
   * transports that Curfew does not know, and for gateways and resolvers that lack the wiring of `docs/beyond-http.md`.
   */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const transport = context.getType<string>();
    return transport === 'graphql' || transport === 'ws'
      ? this.#admitOver(transport, context)
      : this.#admit(context);
  }

  async #admitOver(transport: string, context: ExecutionContext): Promise<true> {
    try {
      return await this.#admit(context);
    } catch (error) {
      throw await toTransportError(error, transport, null);
    }
  }

  /** At once where nothing has to be looked up. */
  #admit(context: ExecutionContext): true | Promise<true> {
    const route = this.#routes.requirementsOf(context);
    if (route.access === 'skip') return true;
    const exchange = exchangeOf(context) ?? refuseTransport(context.getType());
    this.#checkOrigin(exchange);
    const isOpen = route.access === 'public';
    // express-session was here first and works with what it put there until the response has ended.
    if (isOpen && isTaken(exchange)) return true;
    const session = this.#attach(exchange, route.isTouching);
    const entry = new Entry(session, exchange, route);
    if (this.options.requireCsrfToken && this.#carrier.isAmbient && isUnsafe(exchange.request)) {
      return this.#checkCsrfToken(entry).then(() => isOpen || this.#enter(entry));
    }
    return isOpen || this.#enter(entry);
  }

  #enter(entry: Entry): true | Promise<true> {
    const found = this.#load(entry);
    return found instanceof Promise
      ? found.then((resolution) => this.#decide(entry, resolution))
      : this.#decide(entry, found);
  }

  #decide({ session, exchange, route: { stepUp } }: Entry, resolution: Resolution): true {
    if (!session.isAuthenticated) this.#denyEntry(session, resolution, exchange);
    if (stepUp !== undefined) this.#checkProof(session, stepUp);
    return true;
  }

  #checkOrigin(exchange: HttpExchange): void {
    if (!this.#carrier.isAmbient) return;
    const reason = foreignOrigin(exchange, this.options.trustedOrigins);
    if (reason === null) return;
    this.events.emit('session:denied', { sessionId: null, code: 'SESSION_CROSS_ORIGIN', reason });
    if (this.options.crossOrigin === 'refuse') {
      throw refuse('SESSION_CROSS_ORIGIN', { reason: 'cross_origin' });
    }
  }

  /** A request without a stored session has no token to send: there the origin alone decides. */
  async #checkCsrfToken(entry: Entry): Promise<void> {
    await this.#load(entry);
    const { id } = entry.session;
    const presented = presentedCsrfToken(entry.exchange.request);
    if (id === null || this.sessions.isCsrfToken(id, presented)) return;
    const code = 'SESSION_CSRF_TOKEN_REQUIRED';
    this.events.emit('session:denied', { sessionId: id, code, reason: 'csrf_token_required' });
    throw refuse(code, { reason: 'csrf_token_required' });
  }

  #attach(exchange: HttpExchange, isTouching: boolean): RequestSession {
    const attached = sessionOn(exchange);
    if (attached !== undefined) return attached;
    if (isTaken(exchange)) throw sessionTaken();
    const isCounted = isTouching && isActivity(exchange.request);
    const session = new RequestSession(this.#parts, exchange, isCounted);
    exchange.attach(session);
    return session;
  }

  /** A route that demands proof asks the database, whatever this process remembers. */
  #load({ session, exchange, route }: Entry): Resolution | Promise<Resolution> {
    const found = requestUnitOf(session).load(route.stepUp !== undefined);
    if (!(found instanceof Promise)) return found;
    return found.catch((error: unknown) => {
      throw toHttpError(error, exchange.response);
    });
  }

  #denyEntry(session: RequestSession, resolution: Resolution, { response }: HttpExchange): never {
    requestUnitOf(session).response.markPrivate();
    const { challenge } = this.#carrier;
    if (challenge !== null) response?.setHeader('WWW-Authenticate', challenge);
    this.events.emit('session:denied', {
      sessionId: 'record' in resolution ? resolution.record.session.id : null,
      code: 'SESSION_REQUIRED',
      reason: denialCode(resolution),
    });
    throw refuse('SESSION_REQUIRED', whyDenied(resolution));
  }

  #checkProof(session: RequestSession, required: StepUpOptions): void {
    const { maxAgeMs = Infinity, aal = 1 } = required;
    const ageMs = session.authenticationAgeMs ?? Infinity;
    if (ageMs <= maxAgeMs && (session.aal ?? 0) >= aal) return;
    const code = 'SESSION_STEP_UP_REQUIRED';
    const reason = 'step_up_required';
    this.events.emit('session:denied', { sessionId: session.id, code, reason });
    throw refuse(code, { reason, ...required });
  }
}

/** Whether another middleware gave the request a session of its own. */
function isTaken({ session }: HttpExchange): boolean {
  return session !== undefined && session !== null && !(session instanceof RequestSession);
}

function sessionTaken(): SessionError {
  return new SessionError(
    'SESSION_CONTEXT_MISSING',
    'Expected `request.session` to be free on a route that needs a session, got what another middleware put there. Remove express-session, or leave the route to it with `globalGuard: false`, @Public() or @SkipSession().',
  );
}

const CURES: Readonly<Record<string, string>> = {
  graphql:
    'Put the request and the response into the context of GraphQLModule: `context: (req, reply) => ({ req, reply })` for Apollo on Fastify.',
  ws: 'Wrap the adapter: app.useWebSocketAdapter(keepHandshakes(new WsAdapter(app))).',
};

function refuseTransport(type: string): never {
  const cure = CURES[type] ?? 'Protect such handlers otherwise, and mark them @SkipSession().';
  throw new SessionError(
    'SESSION_CONTEXT_MISSING',
    `Expected a request, got none that Curfew can tell behind a handler of the transport ${JSON.stringify(type)}. ${cure}`,
  );
}
