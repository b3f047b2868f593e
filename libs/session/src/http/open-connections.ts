import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';

import { minutes, seconds } from '../core/duration.js';
import { SessionChannel, type SessionNotice } from '../core/session-channel.js';
import type { Resolution } from '../core/session-resolution.js';
import type { Session } from '../core/session.js';
import { SESSION_OPTIONS } from '../session.constants.js';
import type { ResolvedSessionOptions } from '../session.options-check.js';
import { ConnectionEntry, type OpenConnection } from './connection-entry.js';
import { SetsByKey } from './sets-by-key.js';

/** The longest time that a connection stays open after its session, whatever else fails. */
const MAX_REVALIDATION_MS = minutes(1);

/** So often within that time it is seen whose turn it is. */
const TICKS = 8;

/** Looked up at a time; look-ups of one turn share a statement. */
const BATCH_SIZE = 200;

/** When a look-up is tried again that the store did not answer. */
const RETRY_MS = seconds(1);

/**
 * The connections that are open in this process: sockets and streams of events. Each is looked up anew when a notice
 * concerns it, when notices may have been missed, and now and then. It is closed when the store says that its session is
 * over, and only then: a notice alone closes nothing, and neither does a store that is down.
 *
 * A client that comes with a token that is over already, and keeps saying so, is a visitor like one without: it is not
 * closed, and refused where a session is needed.
 */
@Injectable()
export class OpenConnections implements OnModuleInit, OnApplicationShutdown {
  readonly #entries = new Set<ConnectionEntry>();
  /** Those whose first look-up has not come back: which session they are of is not known. */
  readonly #unknown = new Set<ConnectionEntry>();
  readonly #bySession = new SetsByKey<ConnectionEntry>();
  readonly #byUser = new SetsByKey<ConnectionEntry>();
  readonly #due = new Set<ConnectionEntry>();
  readonly #everyMs: number;
  #isRunning = false;
  #retry: NodeJS.Timeout | undefined;
  #tick: NodeJS.Timeout | undefined;
  #subscriptions: (() => void)[] = [];
  #opened = 0;

  constructor(
    private readonly channel: SessionChannel,
    @Inject(SESSION_OPTIONS) { policies }: ResolvedSessionOptions,
  ) {
    const idleTimeouts = Object.values(policies).map(
      ({ idleTimeoutMs }) => idleTimeoutMs ?? Infinity,
    );
    this.#everyMs = Math.min(MAX_REVALIDATION_MS, ...idleTimeouts.map((ms) => ms / 2));
  }

  /** How many there are, visitors with a token that was over already included. */
  get size(): number {
    return this.#entries.size;
  }

  /** How many of them have a session, as far as was seen. */
  get liveCount(): number {
    return this.#live().length;
  }

  /** @internal */
  onModuleInit(): void {
    this.#subscriptions = [
      this.channel.subscribe((notice) => this.#onNotice(notice)),
      this.channel.onGap(() => this.#lookAgain(this.#live())),
    ];
    this.#tick = setInterval(() => this.#onTick(), this.#everyMs / TICKS).unref();
  }

  /** @internal */
  onApplicationShutdown(): void {
    for (const stop of this.#subscriptions.splice(0)) stop();
    clearInterval(this.#tick);
    clearTimeout(this.#retry);
    this.#due.clear();
  }

  /**
   * Watches over a connection until the function that is returned is called.
   * @param session its session where it was found live before.
   */
  open(connection: OpenConnection, session?: Session): () => void {
    const entry = new ConnectionEntry(connection, this.#turn());
    this.#entries.add(entry);
    if (session === undefined) this.#unknown.add(entry);
    else this.#index(entry, session);
    this.#lookAgain([entry]);
    return () => this.#forget(entry);
  }

  /** Spreads what is opened together over the time until it is looked at again: the golden ratio leaves no clusters. */
  #turn(): number {
    this.#opened += 1;
    return (this.#opened * 0.618_034) % 1;
  }

  #live(): ConnectionEntry[] {
    return [...this.#entries].filter((entry) => entry.isLive);
  }

  #onTick(): void {
    const now = performance.now();
    this.#lookAgain(this.#live().filter((entry) => entry.lookAt <= now));
  }

  #onNotice(notice: SessionNotice): void {
    if (notice.kind === 'session' && notice.isLive === true) return;
    for (const entry of this.#unknown) entry.notice(notice);
    const concerned = this.#concernedBy(notice);
    for (const entry of concerned) entry.isNoticed = true;
    this.#lookAgain(concerned);
  }

  #concernedBy(notice: SessionNotice): readonly ConnectionEntry[] {
    switch (notice.kind) {
      case 'session':
        return this.#bySession.get(notice.sessionId);
      case 'principal':
        return this.#byUser.get(notice.userId);
      case 'everyone':
        return [...this.#entries].filter((entry) => entry.sessionId !== null);
    }
  }

  #lookAgain(entries: readonly ConnectionEntry[]): void {
    if (entries.length === 0) return;
    for (const entry of entries) this.#due.add(entry);
    if (this.#isRunning || this.#retry !== undefined) return;
    this.#isRunning = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    // What a commit still has to tell this process is told by then; and notices that come together are one look-up.
    await new Promise((resolve) => setImmediate(resolve));
    try {
      while (this.#due.size > 0) {
        const batch = [...this.#due].slice(0, BATCH_SIZE);
        // Before the look-ups begin: a notice that comes meanwhile asks for another one.
        for (const entry of batch) this.#due.delete(entry);
        const answers = await Promise.allSettled(batch.map((entry) => this.#look(entry)));
        const unanswered = batch.filter((_, index) => answers[index]?.status === 'rejected');
        if (unanswered.length > 0) return this.#tryLater(unanswered);
      }
    } finally {
      this.#isRunning = false;
    }
  }

  #tryLater(entries: readonly ConnectionEntry[]): void {
    for (const entry of entries) if (this.#entries.has(entry)) this.#due.add(entry);
    if (this.#subscriptions.length === 0) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#lookAgain([...this.#due]);
    }, RETRY_MS).unref();
  }

  async #look(entry: ConnectionEntry): Promise<void> {
    const resolution = await entry.connection.resolve();
    if (!this.#entries.has(entry)) return;
    const session = 'record' in resolution ? resolution.record.session : null;
    const isConcerned = session !== null && entry.wasConcerned(session);
    this.#unknown.delete(entry);
    if (resolution.status === 'active') {
      this.#index(entry, resolution.record.session);
    } else if (entry.isLive || isConcerned || isReplaced(resolution)) {
      this.#forget(entry);
      entry.connection.close(resolution);
    } else if (session === null) {
      this.#forget(entry);
    } else {
      this.#place(entry, session);
    }
  }

  #index(entry: ConnectionEntry, session: Session): void {
    entry.foundLive(this.#everyMs);
    this.#place(entry, session);
  }

  #place(entry: ConnectionEntry, { id, userId }: Session): void {
    if (entry.sessionId === id && entry.userId === userId) return;
    this.#displace(entry);
    entry.sessionId = id;
    entry.userId = userId;
    this.#bySession.add(id, entry);
    if (userId !== null) this.#byUser.add(userId, entry);
  }

  #displace(entry: ConnectionEntry): void {
    const { sessionId, userId } = entry;
    if (sessionId !== null) this.#bySession.delete(sessionId, entry);
    if (userId !== null) this.#byUser.delete(userId, entry);
  }

  #forget(entry: ConnectionEntry): void {
    this.#entries.delete(entry);
    this.#unknown.delete(entry);
    this.#due.delete(entry);
    this.#displace(entry);
  }
}

/** Whether the browser has been given a newer token: a client that comes with the old one connects again. */
function isReplaced(resolution: Resolution): boolean {
  return (
    resolution.status === 'superseded' ||
    (resolution.status === 'revoked' && resolution.reason === 'replaced')
  );
}
