import type { DatabaseName, TableName } from './backlog.js';

/** A way to delete what is overdue. */
export interface Way {
  readonly name: string;
  /** What it is called in a table. */
  readonly label: string;
  readonly kind: 'purge' | 'gentle-purge' | 'delete' | 'loop';
  /** Where the overdue rows are. */
  readonly table: TableName;
  /** Which share of the rows is overdue. */
  readonly share: number;
  /** Whether it is what the others are compared with, where the share is the same. */
  readonly isLimit?: boolean;
  /** Whether a transaction of somebody else's has a snapshot from before. */
  readonly hasSnapshot: boolean;
  readonly databases: readonly DatabaseName[];
}

const EVERYWHERE: readonly DatabaseName[] = ['postgres', 'mariadb', 'sqlite'];
const backlog = { table: 'sessions', share: 0.5, hasSnapshot: false } as const;
const few = { table: 'sessions', share: 0.001, hasSnapshot: false } as const;

export const ways: readonly Way[] = [
  {
    ...backlog,
    name: 'delete',
    label: 'one unbounded DELETE: the limit',
    kind: 'delete',
    isLimit: true,
    databases: EVERYWHERE,
  },
  {
    ...backlog,
    name: 'flat-out',
    label: 'Curfew, flat out',
    kind: 'purge',
    databases: EVERYWHERE,
  },
  {
    ...backlog,
    name: 'gentle',
    label: 'Curfew, default pacing',
    kind: 'gentle-purge',
    databases: EVERYWHERE,
  },
  {
    ...backlog,
    name: 'loop',
    label: '`DELETE … ORDER BY … LIMIT 5000`, repeated',
    kind: 'loop',
    databases: EVERYWHERE,
  },
  {
    ...backlog,
    name: 'clearsessions',
    label: 'Django, `clearsessions`, on its own table',
    kind: 'delete',
    table: 'django_session',
    databases: EVERYWHERE,
  },
  {
    ...backlog,
    name: 'connect-pg-simple',
    label: 'connect-pg-simple, its pruning, on its own table',
    kind: 'delete',
    table: 'session',
    databases: ['postgres'],
  },
  {
    ...backlog,
    name: 'flat-out-snapshot',
    label: 'Curfew, flat out, beside a long snapshot',
    kind: 'purge',
    hasSnapshot: true,
    databases: EVERYWHERE,
  },
  {
    ...backlog,
    name: 'loop-snapshot',
    label: 'the repeated DELETE, beside a long snapshot',
    kind: 'loop',
    hasSnapshot: true,
    databases: EVERYWHERE,
  },
  {
    ...few,
    name: 'delete-few',
    label: 'one unbounded DELETE, 0.1 % overdue: the limit of that',
    kind: 'delete',
    isLimit: true,
    databases: EVERYWHERE,
  },
  {
    ...few,
    name: 'few',
    label: 'Curfew, flat out, 0.1 % overdue',
    kind: 'purge',
    databases: EVERYWHERE,
  },
  {
    ...few,
    name: 'few-gentle',
    label: 'Curfew, default pacing, 0.1 % overdue',
    kind: 'gentle-purge',
    databases: EVERYWHERE,
  },
];
