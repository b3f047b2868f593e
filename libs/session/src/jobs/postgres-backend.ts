import type { ClientConfig } from 'pg';

import { seconds } from '../core/duration.js';
import { loadPeer } from './load-peer.js';
import type { QueueBackend, QueueSettings } from './job-queue.js';
import {
  PRODUCER_DEADLINE_MS,
  QUEUE_OPTIONS,
  WORKER_OPTIONS,
  WORKER_DEADLINE_MS,
} from './queue-defaults.js';
import { ignoreUnheardErrors } from './unheard-errors.js';

/** Longest wait for a connection. */
const CONNECT_TIMEOUT_MS = seconds(5);

/** Longest run of the migrations, the wait for another process that runs them included. */
const MIGRATION_TIMEOUT_MS = seconds(60);

/**
 * The queue in PostgreSQL, in a schema of BullMQ's own. A worker creates and migrates it, in one transaction under an
 * advisory lock; a producer never runs DDL.
 * @throws `SESSION_PEER_MISSING`
 */
export async function createPostgresBackend(settings: QueueSettings): Promise<QueueBackend> {
  const bullmq = await loadPeer('bullmq', '`jobs.driver: "bullmq"`', () => import('bullmq'));
  const { default: pg } = await loadPeer('pg', '`jobs.backend: "postgres"`', () => import('pg'));
  class Client extends pg.Client {
    constructor(config?: string | ClientConfig) {
      super(config);
      ignoreUnheardErrors(this);
    }
  }
  const createBackend: typeof bullmq.createPostgresBackend = (...of) => {
    const created = bullmq.createPostgresBackend(...of);
    // The client for LISTEN is none of the pool's, and no option names its class.
    Object.assign(created.connection, { pgModule: { Client } });
    return created;
  };
  const { Queue, Worker } = bullmq.withBackend(createBackend);
  const { queueName, prefix: schema = bullmq.DEFAULT_SCHEMA } = settings;
  const { url, ...given } = settings.connection;
  const server = {
    Client,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    ...given,
    ...(url === undefined ? {} : { connectionString: url }),
  };

  return {
    async prepare() {
      const client = new Client({ ...server, query_timeout: MIGRATION_TIMEOUT_MS });
      try {
        await client.connect();
        await bullmq.runMigrations(client, schema);
      } finally {
        await client.end().catch(() => {});
      }
    },

    isUnprepared: (error) => error instanceof bullmq.SchemaMigrationRequiredError,

    openProducer(onError) {
      const queue = new Queue(queueName, {
        connection: {
          ...server,
          schema,
          max: 1,
          connectionTimeoutMillis: PRODUCER_DEADLINE_MS,
          query_timeout: PRODUCER_DEADLINE_MS,
        },
        ...QUEUE_OPTIONS,
      });
      queue.on('error', onError);
      return {
        queue,
        isOpen: () => true,
        evictionPolicy: () => Promise.resolve(null),
        close: () => queue.close(),
        cut: () => void queue.close().catch(() => {}),
      };
    },

    openConsumer(process, { onError, onFailed }) {
      const connection = { query_timeout: WORKER_DEADLINE_MS, ...server, schema };
      const queue = new Queue(queueName, {
        connection: { ...connection, max: 1 },
        ...QUEUE_OPTIONS,
      });
      const worker = new Worker(queueName, process, {
        connection: { ...connection, max: 4 },
        ...WORKER_OPTIONS,
      });
      queue.on('error', onError);
      worker.on('error', onError);
      worker.on('failed', onFailed);
      return {
        queue,
        async waitUntilReady() {
          await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
        },
        async close() {
          await worker.close();
          await queue.close();
        },
        cut() {
          for (const each of [worker, queue]) each.close().catch(() => {});
        },
      };
    },

    unrecoverable: (message) => new bullmq.UnrecoverableError(message),
  };
}
