import type { RedisOptions } from 'ioredis';

import { loadPeer } from '../jobs/load-peer.js';
import { COMMAND_DEADLINE_MS, type OpenLink } from './channel-link.js';
import type { ChannelServer } from './channel-server.js';

/** How long a closing socket may linger before it is destroyed. */
const DISCONNECT_TIMEOUT_MS = 250;

/** A connection that fails is not mended: it ends, and all that waits for it fails. */
const OPTIONS = {
  lazyConnect: true,
  retryStrategy: () => null,
  sentinelRetryStrategy: () => null,
  reconnectOnError: null,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  connectTimeout: COMMAND_DEADLINE_MS,
  commandTimeout: COMMAND_DEADLINE_MS,
  disconnectTimeout: DISCONNECT_TIMEOUT_MS,
} satisfies RedisOptions;

/**
 * Messages by Redis's publish and subscribe, on two connections. Subscriptions know no databases, so that the number of
 * the database is part of the name.
 * @throws `SESSION_PEER_MISSING`
 */
export async function loadRedisLink({ connection, name }: ChannelServer): Promise<OpenLink> {
  const { Redis } = await loadPeer('ioredis', 'the channel on Redis', () => import('ioredis'));
  const { url, ...given } = connection;
  return ({ onMessage, onLost }) => {
    const connections = ['subscriber', 'publisher'].map(() => {
      const options = { ...given, ...OPTIONS };
      const redis = url === undefined ? new Redis(options) : new Redis(url, options);
      let lastError: unknown = new Error('Connection ended');
      redis.on('error', (error) => (lastError = error));
      redis.on('end', () => onLost(lastError));
      return redis;
    });
    const [subscriber, publisher] = connections as [
      InstanceType<typeof Redis>,
      InstanceType<typeof Redis>,
    ];
    const channel = `${name}:${subscriber.options.db ?? 0}`;
    subscriber.on('message', (_channel, text) => onMessage(text));
    const connect = async (): Promise<void> => {
      await Promise.all(connections.map((redis) => redis.connect()));
      await subscriber.subscribe(channel);
    };
    return {
      ready: connect(),
      async send(text) {
        await publisher.publish(channel, text);
      },
      cut() {
        for (const redis of connections) redis.disconnect();
      },
    };
  };
}
