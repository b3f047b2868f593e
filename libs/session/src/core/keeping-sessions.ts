import { AsyncLocalStorage } from 'node:async_hooks';

const scope = new AsyncLocalStorage<true>();

/** Runs `work` so that changes of a credential inside it end no session. */
export function keepingSessions<T>(work: () => T): T {
  return scope.run(true, work);
}

export function isKeepingSessions(): boolean {
  return scope.getStore() === true;
}
