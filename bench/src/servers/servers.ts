import type { ServerName } from '../scenario.js';
import { findMariadb } from './mariadb.js';
import { findPostgres } from './postgres.js';
import { findRedis } from './redis.js';

/** A server that answers. */
export interface Server {
  readonly url: string;
  version(): Promise<string>;
}

export type Servers = Readonly<Partial<Record<ServerName, Server>>>;

const VARIABLES: Readonly<Record<ServerName, string>> = {
  postgres: 'BENCH_POSTGRES_URL',
  mariadb: 'BENCH_MARIADB_URL',
  redis: 'BENCH_REDIS_URL',
};

const LOCAL: Readonly<Record<ServerName, string>> = {
  postgres: 'postgres://postgres@127.0.0.1:5432/postgres',
  mariadb: 'mariadb://root@127.0.0.1:3306/mysql',
  redis: 'redis://127.0.0.1:6379',
};

/** Those that answer, at the address of their variable or on their usual local port. */
export async function findServers(): Promise<Servers> {
  const [postgres, mariadb, redis] = await Promise.all([
    findPostgres(addressOf('postgres')),
    findMariadb(addressOf('mariadb')),
    findRedis(addressOf('redis')),
  ]);
  return {
    ...(postgres && { postgres }),
    ...(mariadb && { mariadb }),
    ...(redis && { redis }),
  };
}

/** What is missing, and what to do, in one sentence for each. */
export function missingServers(servers: Servers, needs: readonly ServerName[]): string[] {
  return needs
    .filter((name) => servers[name] === undefined)
    .map((name) => {
      const { host } = new URL(addressOf(name));
      return `Expected ${name} at ${host}, got no answer: start it there, or set ${VARIABLES[name]}.`;
    });
}

/** @throws where the server was not found: scenarios name it in `needs` */
export function serverOf(servers: Servers, name: ServerName): Server {
  const server = servers[name];
  if (server === undefined) throw new Error(missingServers(servers, [name]).join(' '));
  return server;
}

function addressOf(name: ServerName): string {
  return process.env[VARIABLES[name]] ?? LOCAL[name];
}
