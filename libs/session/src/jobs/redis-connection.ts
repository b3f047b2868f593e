import { seconds } from '../core/duration.js';
import { withDeadline } from './deadline.js';

/** How long to wait for a sign of life. */
const PING_DEADLINE_MS = seconds(1);

/** The part of an ioredis connection that ends in a bounded time. */
export interface RedisConnection {
  readonly status: string;
  readonly options: { retryStrategy?: unknown };
  ping(): Promise<unknown>;
  once(event: 'connect', listener: () => void): unknown;
  connect(): Promise<void>;
  disconnect(): void;
}

/** Whether the server gives a sign of life. */
export async function answers(connection: RedisConnection): Promise<boolean> {
  if (connection.status !== 'ready') return false;
  return withDeadline(connection.ping(), PING_DEADLINE_MS).then(
    () => true,
    () => false,
  );
}

/** Ends a connection for good. */
export function end(connection: RedisConnection): void {
  connection.options.retryStrategy = () => null;
  if (connection.status === 'reconnecting') settle(connection);
  else connection.disconnect();
}

/**
 * Settles the commands that a lost connection holds back. ioredis forgets them, and with them the timers of those who
 * wait, when it is told to disconnect before it has reconnected; an attempt that is the last fails them.
 */
export function settle(connection: RedisConnection): void {
  connection.options.retryStrategy = () => null;
  connection.once('connect', () => connection.disconnect());
  connection.connect().catch(() => {});
}
