import type { QueryRunner } from 'typeorm';

import { SessionError } from '../../core/errors.js';
import { sql } from '../sql.js';
import {
  endingUpdate,
  firstRaise,
  furtherRaise,
  isUserId,
  textOf,
  triggerName,
  plainTriggerName,
  type CredentialTrigger,
  type TriggerDialect,
  type TriggerTerms,
} from './credential-trigger.js';

/** A setting of the transaction: gone with it, and taken back with its savepoint. */
const SETTING = 'curfew.keeping_sessions';

/** AFTER, FOR EACH ROW, UPDATE OR DELETE: the bits of pg_trigger.tgtype. */
const TRIGGER_TYPE = 1 + 8 + 16;

const terms = (userId: string): TriggerTerms => {
  const text = `cast(old.${userId} as text)`;
  return {
    isChanged: (column) =>
      `(cast(old.${column} as text) is distinct from cast(new.${column} as text))`,
    userId: text,
    exactUserId: text,
    userIdLength: `char_length(${text})`,
  };
};

export const postgresTrigger: TriggerDialect = {
  mark: () => ({
    set: `select set_config('${SETTING}', 'on', true)`,
    clear: `select set_config('${SETTING}', 'off', true)`,
    diesWithFailure: true,
  }),

  async install(queryRunner, trigger) {
    if (await this.isInstalled(queryRunner, trigger)) return;
    const { path, procedure, body } = await define(queryRunner, trigger);
    const name = triggerName(trigger);
    // One message, which PostgreSQL runs in one transaction where there is none. With the rights of whoever installs it:
    // who may write users need not write sessions. Nobody may put the function on a table of their own.
    await queryRunner.query(`create or replace function ${procedure}() returns trigger
        language plpgsql security definer set search_path = pg_catalog, pg_temp as $curfew$${body}$curfew$;
      revoke all on function ${procedure}() from public;
      drop trigger if exists ${name} on ${path};
      create trigger ${name} after update or delete on ${path}
        for each row execute function ${procedure}()`);
  },

  async remove(queryRunner, trigger) {
    const { path, procedure } = await define(queryRunner, trigger);
    await queryRunner.query(`drop trigger if exists ${triggerName(trigger)} on ${path};
      drop function if exists ${procedure}()`);
  },

  async isInstalled(queryRunner, trigger) {
    const { path, body } = await define(queryRunner, trigger);
    const rows: unknown = await queryRunner.query(
      `select p.prosrc as body from pg_trigger t join pg_proc p on p.oid = t.tgfoid
       where t.tgrelid = to_regclass($1) and t.tgname = $2 and t.tgtype = ${TRIGGER_TYPE}
       and t.tgenabled in ('O', 'A') and t.tgqual is null and t.tgattr::text = '' and p.prosecdef`,
      [path, plainTriggerName(trigger.users)],
    );
    return (rows as { body: string }[])[0]?.body === body;
  },
};

/** Names with their schemas: whoever writes SQL of their own may have another search path. */
async function define(queryRunner: QueryRunner, trigger: CredentialTrigger) {
  const { users, principals } = trigger;
  const table = await resolved(queryRunner, users.path, 'the table of `principal.entity`');
  const target = await resolved(queryRunner, principals.path, 'the session tables');
  const own = terms(users.userId);
  const { condition, reason } = endingUpdate(trigger, own);
  const why = sql`case when tg_op = 'DELETE' then 'user-deleted' else ${reason} end`;
  const raise = trigger.dialect.upsert({
    table: target.path,
    key: principals.columns.userId,
    values: firstRaise(trigger, own.userId, why),
    onConflict: (existing) => furtherRaise(trigger, existing, why),
  });
  const body = textOf(sql`begin
    if coalesce(current_setting('${SETTING}', true), 'off') <> 'on'
    and (tg_op = 'DELETE' or ${condition}) and ${isUserId(own)} then ${raise}; end if;
    return null; end`);
  return { path: table.path, procedure: `${table.schema}.${triggerName(trigger)}`, body };
}

async function resolved(queryRunner: QueryRunner, path: string, what: string) {
  const rows: unknown = await queryRunner.query(
    `select quote_ident(n.nspname) as schema, quote_ident(n.nspname) || '.' || quote_ident(c.relname) as path
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass($1)`,
    [path],
  );
  const [found] = rows as { schema: string; path: string }[];
  if (found !== undefined) return found;
  throw new SessionError(
    'SESSION_SCHEMA_MISSING',
    `Expected ${what} in the database, got none. Run the migrations first.`,
  );
}
