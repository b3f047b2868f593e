import type { OptionsReader } from './options-reader.js';
import type { SessionJobsOptions } from './session.options.js';

/** Longest name of a channel in PostgreSQL, in bytes. */
const MAX_POSTGRES_NAME_BYTES = 63;

/** Where notices between processes go, complete. */
export type ResolvedChannelOptions =
  | { readonly driver: 'none' }
  | {
      readonly driver: 'redis' | 'postgres';
      readonly connection: { readonly url?: string } & Readonly<Record<string, unknown>>;
      /** Processes with the same name on the same server hear each other. */
      readonly name: string;
    };

/** The option `channel`; where it is not given, the server of the queue. Its problems go to `read`. */
export function channelOf(read: OptionsReader, jobs: SessionJobsOptions): ResolvedChannelOptions {
  if (!read.has('channel')) return channelBesideQueue(read, jobs);
  const driver = read.oneOf('channel.driver', undefined, ['redis', 'postgres', 'none']);
  if (driver === 'none') return { driver };
  const connection = read.object('channel.connection');
  const prefix = read.optional('channel.prefix', (name) =>
    read.matching(name, '', /^[\w:.-]{1,48}$/, '1 to 48 letters, digits, "_", ":", "." or "-"'),
  );
  return serverOf(read, { driver, connection, name: nameUnder(prefix ?? prefixOf(jobs)) });
}

function channelBesideQueue(read: OptionsReader, jobs: SessionJobsOptions): ResolvedChannelOptions {
  if (jobs.driver !== 'bullmq') return { driver: 'none' };
  const { backend: driver = 'redis', connection } = jobs;
  return serverOf(read, { driver, connection, name: nameUnder(prefixOf(jobs)) });
}

function serverOf<T extends { readonly driver: string; readonly name: string }>(
  read: OptionsReader,
  server: T,
): T {
  const bytes = Buffer.byteLength(server.name);
  if (server.driver === 'postgres' && bytes > MAX_POSTGRES_NAME_BYTES) {
    read.problem(
      `Expected \`jobs.prefix\` and \`jobs.queueName\` to make a channel name of at most ${MAX_POSTGRES_NAME_BYTES} bytes in PostgreSQL, got ${bytes}. Set \`channel.prefix\`.`,
    );
  }
  return server;
}

/** What tells this deployment from others on the same server: what tells their queues apart. */
function prefixOf(jobs: SessionJobsOptions): string {
  if (jobs.driver !== 'bullmq') return 'curfew';
  return `${jobs.prefix ?? 'curfew'}:${jobs.queueName ?? 'session'}`;
}

function nameUnder(prefix: string): string {
  return `${prefix}:notices`;
}
