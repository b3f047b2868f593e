import type { PurgeReport } from './session-purge.js';

interface SessionReference {
  readonly sessionId: string;
  readonly userId: string | null;
}

/**
 * What Curfew announces, by name. Payloads carry ids and reasons, never a token or a hash.
 * Events follow the commit of what they announce.
 *
 * `session:revoked` comes once for each session, in the process that ended it or that marks its row. Where sessions were
 * ended together and that process dies between the two, it comes again rather than not at all. That of a session which was
 * ended by itself, and `session:expired`, are lost with a process that dies right after its commit.
 */
export interface SessionEventMap {
  'session:issued': SessionReference & { readonly policy: string };
  'session:rotated': SessionReference & { readonly generation: number };
  'session:touched': { readonly count: number };
  /** The store failed as activity was written. Idle sessions may end that much early. */
  'session:touches-lost': { readonly count: number };
  /** Its data, its expiry or the proof of its user was written. */
  'session:changed': SessionReference;
  'session:expired': SessionReference & { readonly reason: 'idle-expired' | 'absolute-expired' };
  'session:revoked': SessionReference & { readonly reason: string };
  'session:reuse-detected': SessionReference & { readonly generation: number };
  /** A request was refused; `sessionId` where its token named one. */
  'session:denied': {
    readonly sessionId: string | null;
    readonly code: string;
    readonly reason: string;
  };
  /** All sessions of a user were ended at once; `session:revoked` follows for each as its row is marked. */
  'principal:revoked': {
    readonly userId: string;
    readonly reason: string;
    readonly exceptSessionId: string | null;
  };
  /** All sessions were ended at once; `session:revoked` follows for each as its row is marked. */
  'everyone:revoked': { readonly reason: string };
  'purge:completed': PurgeReport;
  'purge:failed': { readonly error: Error };
  'store:unavailable': { readonly error: Error };
  'store:recovered': Record<string, never>;
}

export type SessionEventName = keyof SessionEventMap;
