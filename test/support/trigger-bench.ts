import { randomBytes } from 'node:crypto';

import type { DataSource } from 'typeorm';

import type { SessionEvents } from '../../libs/session/src/core/session-events.js';
import type { SessionStore } from '../../libs/session/src/core/session-store.js';
import type { SessionService } from '../../libs/session/src/core/session.service.js';
import { CredentialSubscriber } from '../../libs/session/src/invalidation/credential-subscriber.js';
import { KeepingWatch } from '../../libs/session/src/invalidation/keeping-watch.js';
import {
  installCredentialTrigger,
  runSessionMigrations,
} from '../../libs/session/src/migrations.js';
import { TypeOrmSessionStore } from '../../libs/session/src/store/typeorm-session-store.js';
import { keepingMarkOf } from '../../libs/session/src/store/trigger/install-credential-trigger.js';
import type { TestDatabase } from './databases.js';
import { Club, createTables, Member, MEMBER_PRINCIPAL } from './member.entity.js';
import { createTestSessions } from './session-service.js';
import { ENTITIES, STORE_OPTIONS } from './session-store.js';

/** Sessions of members, whose table has the trigger or not, as the module puts them together, without Nest. */
export interface TriggerBench {
  readonly dataSource: DataSource;
  readonly store: SessionStore;
  readonly sessions: SessionService;
  readonly events: SessionEvents;
  /** A new member with the credential `old` and one session. */
  signedIn(): Promise<{ readonly member: Member; readonly code: string; readonly id: string }>;
  liveOf(code: string): Promise<readonly string[]>;
  /** `update` of a member's row in SQL that the library does not see coming. */
  updateSql(set: string, where: string): string;
}

export async function openTriggerBench(
  database: TestDatabase,
  extra: Record<string, unknown> = {},
  hasTrigger = true,
): Promise<TriggerBench> {
  const dataSource = await database.connect({ entities: [Member, Club, ...ENTITIES], ...extra });
  await runSessionMigrations(dataSource);
  await createTables(dataSource);
  if (hasTrigger) await installCredentialTrigger(dataSource, MEMBER_PRINCIPAL);
  const principal = { ...MEMBER_PRINCIPAL, trigger: hasTrigger };
  const store = new TypeOrmSessionStore(dataSource, {
    ...STORE_OPTIONS,
    storeTimeoutMs: 10_000,
    principal,
  });
  const { sessions, events } = createTestSessions({ store, options: { principal } });
  dataSource.subscribers.push(new CredentialSubscriber(principal, store, events));
  if (hasTrigger) dataSource.subscribers.push(new KeepingWatch(keepingMarkOf(dataSource)));
  const path = tablePath(dataSource);
  const prefix = randomBytes(4).toString('hex');
  let count = 0;
  return {
    dataSource,
    store,
    sessions,
    events,
    async signedIn() {
      count += 1;
      const code = `${prefix} ${count}`;
      const login = { passwordHash: 'old', blockedAt: null };
      const member = await dataSource.manager.save(
        dataSource.manager.create(Member, { code, login }),
      );
      const { session } = await sessions.issue({ userId: code, credential: 'old' });
      return { member, code, id: session.id };
    },
    async liveOf(code) {
      return (await sessions.list(code)).sessions.map(({ id }) => id);
    },
    updateSql: (set, where) => named(dataSource, `update ${path} set ${set} where ${where}`),
  };
}

/** The members' table, escaped. */
export function tablePath(dataSource: DataSource): string {
  return dataSource
    .getMetadata(Member)
    .tablePath.split('.')
    .map((part) => dataSource.driver.escape(part))
    .join('.');
}

/** SQL with the members' columns for `[property]`. */
function named(dataSource: DataSource, text: string): string {
  const metadata = dataSource.getMetadata(Member);
  return text.replace(/\[([\w.]+)\]/g, (_, property: string) =>
    dataSource.driver.escape(metadata.findColumnWithPropertyPath(property)?.databaseName ?? ''),
  );
}
