export { SessionHealthIndicator } from './health/session-health.indicator.js';
export { SessionJobs } from './jobs/session-jobs.js';
export { SessionWorker } from './jobs/session-worker.js';
export { SessionWorkerModule, type SessionWorkerModuleExtras } from './session-worker.module.js';
export type { SessionModuleOptions } from './session.options.js';
