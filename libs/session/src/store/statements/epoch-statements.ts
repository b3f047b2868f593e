import type { SessionSql } from '../session-sql.js';
import { Parameter, sql, type Sql } from '../sql.js';
import { sweepEveryoneStatements, sweepUserStatements } from './sweep-statements.js';

const userId = new Parameter('userId', 'text');
const epoch = new Parameter('epoch', 'integer');
const reason = new Parameter('reason', 'text');
const limit = new Parameter('limit', 'integer');

/** Statements that end sessions by their principal's epoch. */
export function epochStatements(on: SessionSql) {
  const { principal: p } = on;
  const stale = (condition: Sql) =>
    on.compile(sql`select ${on.as(p.userId, 'userId')}, ${on.as(p.epoch, 'epoch')}, ${on.as(p.reason, 'reason')}
      from ${on.principals} where ${p.sweptEpoch} < ${p.epoch} ${condition}
      order by ${p.userId} limit ${limit}`);
  return {
    /** +1. The row stays locked until the transaction ends, so that two raises both count. */
    raise: on.compile(
      on.dialect.upsert({
        table: on.principals,
        key: p.userId,
        values: [
          [p.userId, userId],
          [p.epoch, '1'],
          [p.sweptEpoch, '0'],
          [p.reason, reason],
          [p.updatedAt, on.now],
        ],
        onConflict: (existing) => [
          [p.epoch, `${existing(p.epoch)} + 1`],
          [p.reason, reason],
          [p.updatedAt, on.now],
        ],
      }),
    ),
    /**
     * Takes the row's lock and leaves the row as it is; makes one with epoch 0 where there is none. A write even so: it
     * takes SQLite's one lock at once, which a transaction that has read before it may be refused.
     */
    lock: on.compile(
      on.dialect.upsert({
        table: on.principals,
        key: p.userId,
        values: [
          [p.userId, userId],
          [p.epoch, '0'],
          [p.sweptEpoch, '0'],
          [p.reason, `''`],
          [p.updatedAt, '0'],
        ],
        onConflict: (existing) => [[p.epoch, existing(p.epoch)]],
      }),
    ),
    epochOf: on.compile(sql`select ${on.as(p.epoch, 'epoch')} from ${on.principals}
      where ${p.userId} = ${userId}`),

    /** Lets one session of the user live on: it must have been live before the epoch was raised by one. */
    except: on.compile(sql`${on.updateByKey} ${on.column.epoch} = ${on.requiredEpoch}
      where ${on.s('id')} = ${new Parameter('id', 'id')} and ${on.s('userId')} = ${userId}
      and ${on.isNeitherRevokedNorExpired()} and ${on.s('epoch')} >= ${on.requiredEpoch} - 1`),

    stale: stale(sql``),
    staleOfUser: stale(sql`and ${p.userId} = ${userId}`),
    /** Never above the epoch whose rows were looked at, so that a raise meanwhile is swept in its turn. */
    markSwept: on.compile(sql`update ${on.principals} set ${p.sweptEpoch} = ${epoch}
      where ${p.userId} = ${userId} and ${p.sweptEpoch} < ${epoch}`),

    sweepUser: sweepUserStatements(on),
    sweepEveryone: sweepEveryoneStatements(on),
  };
}
