import type { EventEmitter } from 'node:events';

/**
 * Keeps an `error` that nobody listens to for the next listener. Node would end the process. BullMQ listens to a client
 * of `pg` neither while it holds it from its pool, nor while it connects or closes the one for LISTEN.
 */
export function keepUnheardErrors(client: EventEmitter): void {
  const emit = client.emit.bind(client);
  let unheard: { readonly error: unknown } | undefined;
  client.emit = (name: string | symbol, ...args: unknown[]): boolean => {
    if (name !== 'error' || client.listenerCount(name) > 0) return emit(name, ...args);
    unheard = { error: args[0] };
    return false;
  };
  client.on('newListener', (name) => {
    if (name !== 'error' || unheard === undefined) return;
    const { error } = unheard;
    unheard = undefined;
    // Not before whoever listens has done what belongs to it.
    queueMicrotask(() => client.emit('error', error));
  });
}
