import { Column, Entity, PrimaryColumn } from 'typeorm';

import { milliseconds } from './column-transformers.js';
import { TABLE_ENGINE } from './session.entity.js';

/**
 * The table `session_principals`: a row for each user whose sessions were ever ended together, or counted under
 * `maxSessionsPerUser`, and the row `*`, whose epoch counts for everyone. Only `SessionStore` writes it.
 */
@Entity({ name: 'session_principals', engine: TABLE_ENGINE })
export class SessionPrincipalEntity {
  @PrimaryColumn({ name: 'user_id', type: 'varchar', length: 255 })
  userId!: string;

  /** +1 each time all the user's sessions are ended. */
  @Column({ name: 'epoch', type: 'int' })
  epoch!: number;

  /** The epoch up to which the rows of ended sessions are marked. */
  @Column({ name: 'swept_epoch', type: 'int' })
  sweptEpoch!: number;

  /** Why the epoch was last raised; empty where it never was. */
  @Column({ name: 'reason', type: 'varchar', length: 64 })
  reason!: string;

  /** When the epoch was last raised, in epoch milliseconds; 0 where it never was. */
  @Column({ name: 'updated_at', type: 'bigint', transformer: milliseconds })
  updatedAt!: number;
}
