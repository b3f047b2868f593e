export {
  revertSessionMigrations,
  runSessionMigrations,
  sessionMigrations,
  type SessionMigration,
} from './store/migrations/session-migrations.js';
