import type { QueueBackend, QueueSettings } from './job-queue.js';
import { createPostgresBackend } from './postgres-backend.js';
import { createRedisBackend } from './redis-backend.js';

/**
 * BullMQ on the server that the settings name. Connects to nothing yet.
 * @throws `SESSION_PEER_MISSING`
 */
export function createQueueBackend(settings: QueueSettings): Promise<QueueBackend> {
  return settings.backend === 'postgres'
    ? createPostgresBackend(settings)
    : createRedisBackend(settings);
}
