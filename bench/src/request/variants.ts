import type { ServerName } from '../scenario.js';

export type Adapter = 'express' | 'fastify';

/** A way to keep sessions, or none. */
export interface Variant {
  readonly name: string;
  readonly adapter: Adapter;
  /** What it is called in a table. */
  readonly label: string;
  readonly kind: 'none' | 'signed-cookie' | 'curfew' | 'express-session' | 'fastify-session';
  readonly store?: 'postgres' | 'postgres-without-touch' | 'redis' | 'memory';
  /** Whether Curfew may answer from its local cache. */
  readonly cached?: boolean;
  readonly needs: readonly ServerName[];
}

const both = (['express', 'fastify'] as const).flatMap((adapter): Variant[] => [
  {
    name: `${adapter}/none`,
    adapter,
    label: 'no sessions',
    kind: 'none',
    needs: [],
  },
  {
    name: `${adapter}/signed-cookie`,
    adapter,
    label: 'a signed cookie and no session: the limit',
    kind: 'signed-cookie',
    needs: [],
  },
  {
    name: `${adapter}/curfew`,
    adapter,
    label: 'Curfew, every request checked in the database',
    kind: 'curfew',
    needs: ['postgres'],
  },
  {
    name: `${adapter}/curfew-cached`,
    adapter,
    label: 'Curfew, with the local cache',
    kind: 'curfew',
    cached: true,
    needs: ['postgres', 'redis'],
  },
]);

const peers: readonly Variant[] = [
  {
    name: 'express/connect-pg-simple',
    adapter: 'express',
    label: 'express-session, connect-pg-simple',
    kind: 'express-session',
    store: 'postgres',
    needs: ['postgres'],
  },
  {
    name: 'express/connect-pg-simple-disable-touch',
    adapter: 'express',
    label: 'express-session, connect-pg-simple, `disableTouch`',
    kind: 'express-session',
    store: 'postgres-without-touch',
    needs: ['postgres'],
  },
  {
    name: 'express/connect-redis',
    adapter: 'express',
    label: 'express-session, connect-redis',
    kind: 'express-session',
    store: 'redis',
    needs: ['redis'],
  },
  {
    name: 'express/memory',
    adapter: 'express',
    label: 'express-session, in memory',
    kind: 'express-session',
    store: 'memory',
    needs: [],
  },
  {
    name: 'fastify/fastify-session',
    adapter: 'fastify',
    label: '@fastify/session, connect-pg-simple',
    kind: 'fastify-session',
    store: 'postgres',
    needs: ['postgres'],
  },
];

export const variants: readonly Variant[] = [...both, ...peers];
