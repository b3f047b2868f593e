export {
  revertSessionMigrations,
  runSessionMigrations,
  sessionMigrations,
  type SessionMigration,
} from './store/migrations/session-migrations.js';
export {
  installCredentialTrigger,
  removeCredentialTrigger,
  type CredentialTriggerOptions,
} from './store/trigger/install-credential-trigger.js';
