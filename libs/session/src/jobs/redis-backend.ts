import { seconds } from '../core/duration.js';
import { queueSilentFor } from './deadline.js';
import type { QueueBackend, QueueSettings } from './job-queue.js';
import { loadPeer } from './load-peer.js';
import {
  PRODUCER_DEADLINE_MS,
  QUEUE_OPTIONS,
  WORKER_OPTIONS,
  WORKER_DEADLINE_MS,
} from './queue-defaults.js';
import { answers, end, settle } from './redis-connection.js';

/** Longest pause between two attempts of a worker to reconnect. */
const MAX_RETRY_MS = seconds(2);

/** How long a closing socket may linger before it is destroyed. */
const DISCONNECT_TIMEOUT_MS = 250;

/**
 * The queue in Redis. The connections are made here and handed to BullMQ, so that they can be cut when it hangs.
 * @throws `SESSION_PEER_MISSING`
 */
export async function createRedisBackend(settings: QueueSettings): Promise<QueueBackend> {
  const { Queue, Worker, UnrecoverableError } = await loadPeer(
    'bullmq',
    '`jobs.driver: "bullmq"`',
    () => import('bullmq'),
  );
  const { Redis } = await loadPeer('ioredis', '`jobs.backend: "redis"`', () => import('ioredis'));
  const { queueName, prefix } = settings;
  const { url, ...given } = settings.connection;
  const namespace = prefix === undefined ? {} : { prefix };

  const connect = (options: object): InstanceType<typeof Redis> => {
    const all = { ...given, ...options, disconnectTimeout: DISCONNECT_TIMEOUT_MS };
    return url === undefined ? new Redis(all) : new Redis(url, all);
  };

  return {
    async prepare() {
      // Redis has no schema.
    },

    isUnprepared: () => false,

    openProducer(onError) {
      // Without a retry strategy a lost connection ends, and its commands fail, instead of being held back until the
      // server returns: `add` would otherwise never settle.
      const connection = connect({
        connectTimeout: PRODUCER_DEADLINE_MS,
        retryStrategy: () => null,
      });
      connection.on('error', onError);
      const queue = new Queue(queueName, { connection, ...namespace, ...QUEUE_OPTIONS });
      queue.on('error', onError);
      return {
        queue,
        isOpen: () => connection.status !== 'end' && connection.status !== 'close',
        // CONFIG GET would say the same, but hosted servers refuse it.
        evictionPolicy: async () =>
          /^maxmemory_policy:(\S+)/m.exec(await connection.info('memory'))?.[1] ?? null,
        close: () => queue.close(),
        cut: () => connection.disconnect(),
      };
    },

    openConsumer(process, { onError, onFailed }) {
      const connection = connect({
        // A command fails with the connection that it was sent on, and BullMQ repeats it. With `null`, which BullMQ would
        // choose, ioredis holds it back for the next connection, and a close in between never settles it.
        maxRetriesPerRequest: 0,
        retryStrategy: (attempt: number) =>
          Math.min(100 * 2 ** Math.min(attempt, 10), MAX_RETRY_MS),
        commandTimeout: WORKER_DEADLINE_MS,
        keepAlive: seconds(10),
      });
      const connections = [connection];
      connection.on('error', onError);
      // BullMQ duplicates the connection to block on the copy, and does not show it. It watches over the copy's waits.
      connection.duplicate = (options) => {
        const { commandTimeout: _none, ...inherited } = connection.options;
        const copy = new Redis({ ...inherited, ...options });
        copy.on('error', onError);
        connections.push(copy);
        return copy;
      };
      const queue = new Queue(queueName, { connection, ...namespace, ...QUEUE_OPTIONS });
      const worker = new Worker(queueName, process, {
        connection,
        ...namespace,
        ...WORKER_OPTIONS,
      });
      queue.on('error', onError);
      worker.on('error', (error) => {
        if (error.message !== 'Command timed out') return onError(error);
        // The socket does not notice a peer that has fallen silent, so nothing else would reconnect.
        connection.disconnect(true);
        return onError(queueSilentFor(WORKER_DEADLINE_MS));
      });
      worker.on('failed', onFailed);
      return {
        queue,
        async waitUntilReady() {
          await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
        },
        async close() {
          // A graceful close waits for answers, and would wait for ever for those of a server that is gone.
          const isReachable = await answers(connection);
          const lost = connections.filter(({ status }) => status !== 'ready');
          await worker.close(!isReachable);
          for (const each of lost) settle(each);
          await queue.close();
        },
        cut() {
          for (const each of connections) end(each);
        },
      };
    },

    unrecoverable: (message) => new UnrecoverableError(message),
  };
}
