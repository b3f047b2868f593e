export { aal1, aal2, aal3, type AssuranceTimeouts } from './core/assurance-policies.js';
export { Clock, SystemClock } from './core/clock.js';
export { days, hours, minutes, seconds } from './core/duration.js';
export {
  isSessionError,
  SESSION_ERRORS,
  SessionError,
  type SessionErrorCode,
} from './core/errors.js';
export { SessionChannel, type SessionNotice } from './core/session-channel.js';
export type { SessionData, SessionDataRecord } from './core/session-data.js';
export type { SessionDiagnostics, SessionEventMessage } from './core/session-diagnostics.js';
export {
  SessionEvents,
  type SessionEventListener,
  type SessionEventMap,
  type SessionEventName,
} from './core/session-events.js';
export type { IssuedSession, IssueOptions, PreparedToken } from './core/session-issuer.js';
export type { SessionPolicy } from './core/session-policy.js';
export { SessionPurge, type PurgeOptions, type PurgeReport } from './core/session-purge.js';
export type { ActiveSession, InactiveSession, Resolution } from './core/session-resolution.js';
export { SessionService, type SessionPage } from './core/session.service.js';
export * from './core/session-store.js';
export type { ClientDescription, KeyUpdate, SignInOptions } from './core/session-work.js';
export type { RevokeReason, Session, SessionRecord, SessionState } from './core/session.js';
export type { SessionHealthWarning } from './health/health-warnings.js';
export {
  SessionHealthIndicator,
  type SessionHealthDetails,
  type SessionHealthOptions,
} from './health/session-health.indicator.js';
export { NoTouch, Public, RequireSession, SkipSession, StepUp } from './http/access.decorators.js';
export { RequestSession } from './http/request-session.js';
export type { RevokeSessionsOptions, StepUpOptions } from './http/route-requirements.js';
export {
  CurrentSession,
  CurrentUserId,
  OnSessionEvent,
  RevokeSessions,
} from './http/session.decorators.js';
export { SessionGuard } from './http/session.guard.js';
export { SessionInterceptor } from './http/session.interceptor.js';
export { keepHandshakes } from './http/websocket-handshake.js';
export type { QueueState } from './jobs/queue-state.js';
export { SessionJobs } from './jobs/session-jobs.js';
export { SESSION_OPTIONS } from './session.constants.js';
export type { SessionOptionsFactory } from './session.module-definition.js';
export { SessionModule } from './session.module.js';
export type { ResolvedSessionOptions } from './session.options-check.js';
export type * from './session.options.js';
export { SessionPrincipalEntity } from './store/session-principal.entity.js';
export { SessionEntity } from './store/session.entity.js';
