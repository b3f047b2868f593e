import { Socket } from 'node:net';

import { loadPeer } from '../jobs/load-peer.js';
import { COMMAND_DEADLINE_MS, type OpenLink } from './channel-link.js';
import type { ChannelServer } from './channel-server.js';

/**
 * Messages by PostgreSQL's LISTEN and NOTIFY, on one connection of its own: a pooler that lends connections for the length
 * of a transaction forgets who listens. Only processes on the same database hear each other.
 * @throws `SESSION_PEER_MISSING`
 */
export async function loadPostgresLink({ connection, name }: ChannelServer): Promise<OpenLink> {
  const { default: pg } = await loadPeer('pg', 'the channel on Postgres', () => import('pg'));
  const { url, ...given } = connection;
  return ({ onMessage, onLost }) => {
    // Held here because `end()` waits for a server that may be gone.
    const socket = new Socket();
    const client = new pg.Client({
      ...given,
      ...(url === undefined ? {} : { connectionString: url }),
      connectionTimeoutMillis: COMMAND_DEADLINE_MS,
      query_timeout: COMMAND_DEADLINE_MS,
      keepAlive: true,
      stream: () => socket,
    });
    client.on('error', onLost);
    client.on('end', () => onLost(new Error('Connection ended')));
    client.on('notification', ({ payload = '' }) => onMessage(payload));
    const listen = async (): Promise<void> => {
      await client.connect();
      await client.query(`listen ${client.escapeIdentifier(name)}`);
    };
    let last: Promise<unknown> = Promise.resolve();
    return {
      ready: listen(),
      // One after another: the driver has no queue of its own for long.
      async send(text) {
        last = last.then(() => client.query('select pg_notify($1, $2)', [name, text]));
        await last;
      },
      cut: () => void socket.destroy(),
    };
  };
}
