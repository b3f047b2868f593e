import { SessionError, type SessionStore } from 'nestjs-curfew';

const METHODS = [
  'find',
  'insert',
  'update',
  'revoke',
  'raiseEpoch',
  'transaction',
  'touch',
] as const;

/** Makes the store fail as one that cannot reach its database, until the returned function is called. */
export function failStore(
  store: SessionStore,
  methods: readonly (typeof METHODS)[number][] = METHODS,
): () => void {
  for (const method of methods) {
    Object.defineProperty(store, method, {
      configurable: true,
      value: () =>
        Promise.reject(
          new SessionError('SESSION_STORE_UNAVAILABLE', 'select secret_column from 10.0.0.1'),
        ),
    });
  }
  return () => methods.forEach((method) => Reflect.deleteProperty(store, method));
}
