import type { QueryRunner } from 'typeorm';

import { sessionMetadata } from '../session-tables.js';
import { SessionPrincipalEntity } from '../session-principal.entity.js';
import { sql, type Sql } from '../sql.js';
import {
  endingUpdate,
  firstRaise,
  furtherRaise,
  isUserId,
  plainTriggerName,
  textOf,
  type CredentialTrigger,
  type TriggerDialect,
  type TriggerTerms,
} from './credential-trigger.js';

/**
 * A row of the transaction's own, under a key that can be no user's id: NUL, `keeping`, and the connection's number. One
 * literal, as two of different collations could not be compared with a column; converted, as MariaDB's catalog forgets
 * `_utf8mb4`.
 */
const MARK = `concat(convert(0x006b656570696e6720 using utf8mb4), connection_id())`;

const EVENTS = [
  { event: 'UPDATE', suffix: '_on_update' },
  { event: 'DELETE', suffix: '_on_delete' },
] as const;

const terms = (userId: string): TriggerTerms => {
  const text = `convert(old.${userId} using utf8mb4)`;
  return {
    isChanged: (column) =>
      `(not (cast(old.${column} as binary) <=> cast(new.${column} as binary)))`,
    userId: text,
    exactUserId: `cast(${text} as binary)`,
    userIdLength: `char_length(${text})`,
  };
};

export const mysqlTrigger: TriggerDialect = {
  mark: ({ path, columns }) => ({
    set: `insert ignore into ${path} (${columns.userId}, ${columns.epoch}, ${columns.sweptEpoch},
      ${columns.reason}, ${columns.updatedAt}) values (${MARK}, 0, 0, '', 0)`,
    clear: `delete from ${path} where ${columns.userId} = ${MARK}`,
    diesWithFailure: false,
  }),

  async install(queryRunner, trigger) {
    if (await this.isInstalled(queryRunner, trigger)) return;
    for (const { name, event, body } of await define(queryRunner, trigger)) {
      await queryRunner.query(`drop trigger if exists ${name}`);
      await queryRunner.query(
        `create trigger ${name} after ${event} on ${trigger.users.path} for each row ${body}`,
      );
    }
  },

  async remove(queryRunner, trigger) {
    for (const { name } of await define(queryRunner, trigger)) {
      await queryRunner.query(`drop trigger if exists ${name}`);
    }
  },

  async isInstalled(queryRunner, trigger) {
    const expected = await define(queryRunner, trigger);
    const rows: unknown = await queryRunner.query(
      `select trigger_name as name, event_manipulation as event, action_statement as body
       from information_schema.triggers where event_object_schema = coalesce(?, database())
       and event_object_table = ? and action_timing = 'AFTER'`,
      [trigger.users.metadata.database ?? null, trigger.users.metadata.tableName],
    );
    const found = rows as { name: string; event: string; body: string }[];
    return expected.every(({ plainName, event, body }) =>
      found.some((row) => row.name === plainName && row.event === event && row.body === body),
    );
  },
};

async function define(queryRunner: QueryRunner, trigger: CredentialTrigger) {
  const { users, escape } = trigger;
  const own = terms(users.userId);
  const { condition, reason } = endingUpdate(trigger, own);
  const table = await principalsOf(queryRunner, trigger);
  const { database } = users.metadata;
  return EVENTS.map(({ event, suffix }) => {
    const plainName = plainTriggerName(users, suffix);
    const isEnding = event === 'UPDATE' ? condition : sql`1 = 1`;
    const why = event === 'UPDATE' ? reason : sql`'user-deleted'`;
    return {
      event,
      plainName,
      name: database === undefined ? escape(plainName) : `${escape(database)}.${escape(plainName)}`,
      body: textOf(bodyOf(trigger, own, table, isEnding, why)),
    };
  });
}

function bodyOf(
  trigger: CredentialTrigger,
  own: TriggerTerms,
  table: string,
  isEnding: Sql,
  reason: Sql,
): Sql {
  const { columns } = trigger.principals;
  const raise = trigger.dialect.upsert({
    table,
    key: columns.userId,
    values: firstRaise(trigger, own.userId, reason),
    onConflict: (existing) => furtherRaise(trigger, existing, reason),
  });
  return sql`if ${isEnding} and ${isUserId(own)}
    and not exists (select 1 from ${table} where ${columns.userId} = ${MARK}) then ${raise}; end if`;
}

/** Within the database of the users bare, so that a dump can be restored under another name. */
async function principalsOf(
  queryRunner: QueryRunner,
  { users, escape }: CredentialTrigger,
): Promise<string> {
  const { dataSource } = queryRunner;
  const { database, tableName } = sessionMetadata(dataSource, SessionPrincipalEntity);
  const rows: unknown = await queryRunner.query('select database() as name');
  const current = (rows as { name: string }[])[0]?.name;
  const own = database ?? current;
  const isBeside = own === undefined || own === (users.metadata.database ?? current);
  return isBeside ? escape(tableName) : `${escape(own)}.${escape(tableName)}`;
}
