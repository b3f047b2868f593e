import type { QueryRunner } from 'typeorm';

import { assign } from '../dialect/standard-sql.js';
import { sql } from '../sql.js';
import {
  endingUpdate,
  furtherRaise,
  isUserId,
  plainTriggerName,
  textOf,
  triggerName,
  type CredentialTrigger,
  type TriggerDialect,
  type TriggerTerms,
} from './credential-trigger.js';

/** A row of the one transaction that writes, under a key that can be no user's id. */
const MARK = `(char(0) || 'keeping')`;

const EVENTS = [
  { event: 'update', suffix: '_on_update' },
  { event: 'delete', suffix: '_on_delete' },
] as const;

const terms = (userId: string): TriggerTerms => {
  const text = `cast(old.${userId} as text)`;
  return {
    isChanged: (column) => `(old.${column} collate binary is not new.${column})`,
    userId: text,
    exactUserId: text,
    userIdLength: `length(${text})`,
  };
};

export const sqliteTrigger: TriggerDialect = {
  mark: ({ path, columns }) => ({
    set: `insert or ignore into ${path} (${columns.userId}, ${columns.epoch}, ${columns.sweptEpoch},
      ${columns.reason}, ${columns.updatedAt}) values (${MARK}, 0, 0, '', 0)`,
    clear: `delete from ${path} where ${columns.userId} = ${MARK}`,
    diesWithFailure: false,
  }),

  async install(queryRunner, trigger) {
    if (await this.isInstalled(queryRunner, trigger)) return;
    await this.remove(queryRunner, trigger);
    for (const { text } of define(trigger)) await queryRunner.query(text);
  },

  async remove(queryRunner, trigger) {
    for (const { name } of define(trigger)) {
      await queryRunner.query(`drop trigger if exists ${name}`);
    }
  },

  async isInstalled(queryRunner, trigger) {
    return (
      await Promise.all(define(trigger).map((definition) => isThere(queryRunner, definition)))
    ).every(Boolean);
  },
};

async function isThere(
  queryRunner: QueryRunner,
  { plainName, text }: { readonly plainName: string; readonly text: string },
): Promise<boolean> {
  const rows: unknown = await queryRunner.query(
    `select sql from sqlite_master where type = 'trigger' and name = ?`,
    [plainName],
  );
  return (rows as { sql: string }[])[0]?.sql === text;
}

function define(trigger: CredentialTrigger) {
  const { users, principals } = trigger;
  const { path, columns } = principals;
  const own = terms(users.userId);
  const { condition, reason } = endingUpdate(trigger, own);
  return EVENTS.map(({ event, suffix }) => {
    const isEnding = event === 'update' ? condition : sql`1 = 1`;
    const why = event === 'update' ? reason : sql`'user-deleted'`;
    const raise = furtherRaise(trigger, (column) => column, why);
    // In two steps, of which none meets a conflict: the statement that fires a trigger decides what its conflicts do, and
    // "update or replace" would begin the epoch anew.
    const text = sql`CREATE TRIGGER ${triggerName(trigger, suffix)} after ${event} on ${users.path} for each row
      when ${isEnding} and ${isUserId(own)}
      and not exists (select 1 from ${path} where ${columns.userId} = ${MARK})
      begin insert into ${path} (${columns.userId}, ${columns.epoch}, ${columns.sweptEpoch},
      ${columns.reason}, ${columns.updatedAt}) select ${own.userId}, 0, 0, '', 0
      where not exists (select 1 from ${path} where ${columns.userId} = ${own.userId});
      update ${path} set ${assign(raise)} where ${columns.userId} = ${own.userId}; end`;
    return {
      name: triggerName(trigger, suffix),
      plainName: plainTriggerName(users, suffix),
      text: textOf(text),
    };
  });
}
