import { readFileSync } from 'node:fs';

import * as runner from '@jest/globals';
import type { DataSource } from 'typeorm';

import { days } from '../../libs/session/src/core/duration.js';
import { SessionEvents } from '../../libs/session/src/core/session-events.js';
import { newSessionId } from '../../libs/session/src/core/session-token.js';
import { PurgeRunner } from '../../libs/session/src/purge/purge-runner.js';
import type { TypeOrmSessionStore } from '../../libs/session/src/store/typeorm-session-store.js';
import { FakeClock, sessionStoreContract } from '../../libs/session/src/testing.js';
import { Account } from '../support/account.entity.js';
import { describeEachDatabase } from '../support/databases.js';
import { newSession } from '../support/new-session.js';
import { openStore } from '../support/session-store.js';
import { StatementLog } from '../support/statement-log.js';

const { beforeAll, expect, it } = runner;

/** The statements of docs/scale.md, in its order. */
const [HELPERS, CONSTRAINT, ATTACH, NEXT_MONTH, IS_DUE, DROP] = Array.from(
  readFileSync(new URL('../../docs/scale.md', import.meta.url), 'utf8').matchAll(
    /```sql\n(.*?)```/gs,
  ),
  ([, block = '']) => block,
) as [string, string, string, string, string, string];

const DECEMBER = Date.UTC(2026, 11, 1);
const JANUARY = Date.UTC(2027, 0, 10);

async function partition(dataSource: DataSource): Promise<void> {
  for (const block of [HELPERS, CONSTRAINT, ATTACH]) await dataSource.query(block);
}

await describeEachDatabase(
  'TypeOrmSessionStore on partitions',
  (database) => {
    let dataSource: DataSource;
    beforeAll(async () => {
      ({ dataSource } = await openStore(database));
      await partition(dataSource);
    });

    sessionStoreContract({
      name: 'TypeOrmSessionStore',
      runner,
      async createStore(settings) {
        const opened = await openStore(database, settings);
        return {
          store: opened.store,
          async setCredential(id, passwordHash) {
            await dataSource.getRepository(Account).save({ id, passwordHash, isDisabled: false });
          },
          async close() {},
        };
      },
    });
  },
  ['postgres'],
);

await describeEachDatabase(
  'partitions by month',
  (database) => {
    const clock = new FakeClock(DECEMBER);
    const log = new StatementLog();
    let dataSource: DataSource;
    let store: TypeOrmSessionStore;
    const idAt = (ms: number): string => newSessionId(ms);
    const before = idAt(DECEMBER);
    const after = idAt(JANUARY);

    const insert = (id: string) =>
      store.insert(newSession({ id, idleTimeoutMs: days(30), absoluteTimeoutMs: days(60) }));

    async function partitionOf(id: string): Promise<unknown> {
      const query = 'select tableoid::regclass::text as name from sessions where id = $1';
      const [row] = (await dataSource.query(query, [id])) as { name: string }[];
      return row?.name;
    }

    beforeAll(async () => {
      ({ store, dataSource } = await openStore(
        database,
        { clock },
        { logger: log, logging: true },
      ));
      // What a table of some age holds, most of it with little time left.
      await dataSource.query(
        `insert into sessions (id, token_hash, generation, epoch, created_at, last_seen_at, expires_at, purge_at,
           persistent, policy, version)
         select (lpad(to_hex(${DECEMBER} + n), 12, '0') || '7' || lpad(to_hex(n), 19, '0'))::uuid, repeat('0', 64), 0, 0,
           ${DECEMBER}, ${DECEMBER}, ${DECEMBER + days(1)}, ${DECEMBER + days(2)}, false, 'default', 0
         from generate_series(1, 200000) n`,
      );
      await insert(before);
      await partition(dataSource);
      await dataSource.query('analyze sessions');
    });

    it('keep what was issued before, and put what comes into its month', async () => {
      await insert(after);
      expect(await partitionOf(before)).toBe('sessions_before');
      expect(await partitionOf(after)).toBe('sessions_2027_01');
      expect(await store.find(before)).toBeDefined();
      await expect(insert(idAt(Date.UTC(2027, 2, 5)))).rejects.toThrow();
      await dataSource.query(NEXT_MONTH);
      const march = idAt(Date.UTC(2027, 2, 5));
      await insert(march);
      expect(await partitionOf(march)).toBe('sessions_2027_03');
    });

    it.each([
      ['look-up', () => store.find(after)],
      ['touch', () => store.touch([touchOf(after)])],
    ])('read one of themselves for the %s of a session', async (_name, work) => {
      const from = log.statements.length;
      const fromParameters = log.parameters.length;
      await work();
      const sent = log.statements.slice(from).filter((text) => text.includes('"sessions"'));
      expect(sent).toHaveLength(1);
      const read = await partitionsRead(sent[0] ?? '', log.parameters.slice(fromParameters));
      expect(new Set(read)).toEqual(new Set(['sessions_2027_01']));
    });

    /** The partitions that a statement reads, as the driver sends it: planned for its parameters. */
    async function partitionsRead(
      statement: string,
      parameters: readonly unknown[],
    ): Promise<readonly string[]> {
      const explain = `explain (analyze, costs off, timing off) ${statement}`;
      const rows = (await dataSource.query(explain, [...parameters])) as { 'QUERY PLAN': string }[];
      return rows
        .map((row) => row['QUERY PLAN'])
        .filter((line) => line.includes('Scan') && !line.includes('never executed'))
        .flatMap((line) => / on (sessions_\w+)/.exec(line)?.[1] ?? []);
    }

    it('are walked through by the purge, and drop with what is due', async () => {
      clock.advance(days(3));
      const runPurge = () =>
        new PurgeRunner(store, new SessionEvents()).run({ pacing: 'flat-out' });
      expect(await runPurge()).toMatchObject({ deleted: 200_000, strategy: 'walk', more: false });

      // One session of December lives on, so its partition stays.
      expect(await dataSource.query(IS_DUE)).toEqual([{ is_due: false }]);
      await dataSource.query(`update sessions set purge_at = 1 where id = '${before}'`);
      expect(await dataSource.query(IS_DUE)).toEqual([{ is_due: true }]);
      for (const statement of DROP.split(';\n').filter(Boolean)) await dataSource.query(statement);
      expect(await store.find(before)).toBeUndefined();
      expect(await store.find(after)).toBeDefined();
    });
  },
  ['postgres'],
);

function touchOf(id: string) {
  return { id, ageMs: 0, idleTimeoutMs: days(1), ip: null, userAgent: null };
}
