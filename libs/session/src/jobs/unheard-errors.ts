import type { EventEmitter } from 'node:events';

/**
 * Keeps an `error` that nobody listens to from ending the process. BullMQ listens to a client of `pg` neither while it
 * holds it from its pool, nor until it has connected the one for LISTEN, nor while it closes that. It learns of the loss
 * all the same: queries fail, and a connection that ends says so once more.
 */
export function ignoreUnheardErrors(client: EventEmitter): void {
  const emit = client.emit.bind(client);
  client.emit = (name: string | symbol, ...args: unknown[]): boolean =>
    (name !== 'error' || client.listenerCount(name) > 0) && emit(name, ...args);
}
