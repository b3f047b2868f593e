import { setImmediate, setTimeout as pause } from 'node:timers/promises';

import { Logger } from '@nestjs/common';

import { seconds } from '../core/duration.js';
import { SessionChannel, type SessionNotice } from '../core/session-channel.js';
import { diagnostics } from '../core/session-diagnostics.js';
import { OutageLog } from '../jobs/outage-log.js';
import { ChannelLease } from './channel-lease.js';
import type { ChannelLink, OpenLink } from './channel-link.js';
import { ChannelListeners } from './channel-listeners.js';
import { decodeMessage, encodeMessage, noticesOf } from './channel-message.js';
import { OutgoingNotices } from './outgoing-notices.js';

/** How long a process may believe that it hears everything, unless it is shown again. */
const LEASE_MS = seconds(3);

const MIN_RETRY_MS = 100;
const MAX_RETRY_MS = seconds(2);

/** How long a closing channel waits for what is left to be sent. */
const CLOSE_DEADLINE_MS = seconds(1);

const CONSEQUENCE = 'other processes learn of ended sessions by looking themselves';

/**
 * Notices over a server that several processes are linked to. Whether the link works is shown by signs of life that come
 * back, and not by what the connection says: one that hangs says nothing. A link that falls silent is given up for another.
 */
export class LinkedChannel extends SessionChannel {
  readonly #id = globalThis.crypto.randomUUID();
  /** From 0 to 1, another one in each process. */
  readonly #share = Number.parseInt(this.#id.slice(0, 4), 16) / 0xffff;
  readonly #logger = new Logger('SessionChannel');
  readonly #outage = new OutageLog(this.#logger, 'channel');
  readonly #listeners = new ChannelListeners();
  readonly #outgoing = new OutgoingNotices();
  readonly #stopping = new AbortController();
  readonly #lease: ChannelLease;
  #link: ChannelLink | undefined;
  #isReady = false;
  #flushing: Promise<void> | undefined;
  #ignoredMessageCount = 0;
  /** Tells the loop that the link is of no use any more. */
  #lose: (error: unknown) => void = () => {};

  /** @param load loads what the links are made of. */
  constructor(
    private readonly load: () => Promise<OpenLink>,
    leaseMs = LEASE_MS,
  ) {
    super();
    this.#lease = new ChannelLease(leaseMs);
  }

  override get leaseExpiresAt(): number {
    return this.#lease.expiresAt;
  }

  override get ignoredMessageCount(): number {
    return this.#ignoredMessageCount;
  }

  override publish(notice: SessionNotice): void {
    this.#listeners.deliver(notice);
    if (this.#stopping.signal.aborted) return;
    this.#outgoing.add(notice);
    this.#flush();
  }

  override subscribe(listener: (notice: SessionNotice) => void): () => void {
    return this.#listeners.subscribe(listener);
  }

  override onGap(listener: () => void): () => void {
    return this.#listeners.onGap(listener);
  }

  override async start(): Promise<void> {
    void this.#keepLinked(await this.load());
  }

  override async close(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const deadline = pause(CLOSE_DEADLINE_MS, undefined, { ref: false });
    await Promise.race([this.#flushing, deadline]);
    this.#stopping.abort();
    this.#abandon();
    this.#lose(undefined);
  }

  async #keepLinked(open: OpenLink): Promise<void> {
    const { signal } = this.#stopping;
    let retryMs = MIN_RETRY_MS;
    while (!signal.aborted) {
      const hasWorked = await this.#useLink(open);
      if (signal.aborted) return;
      retryMs = hasWorked ? MIN_RETRY_MS : Math.min(retryMs * 2, MAX_RETRY_MS);
      // Processes that lost the same server do not come back at the same moment.
      const waitMs = retryMs * (0.5 + this.#share / 2);
      await pause(waitMs, undefined, { ref: false, signal }).catch(() => {});
    }
  }

  /** Opens a link and uses it until it is lost. @returns whether it worked for a while. */
  async #useLink(open: OpenLink): Promise<boolean> {
    const timers: NodeJS.Timeout[] = [];
    let hasWorked = false;
    const lost = new Promise<unknown>((lose) => {
      this.#lose = lose;
      const silence = setTimeout(() => lose(silentFor(this.#lease.ms)), this.#lease.ms).unref();
      timers.push(silence);
      const onMessage = (text: string): void => {
        if (this.#receive(text) !== 'lease') return;
        hasWorked = true;
        silence.refresh();
      };
      const link = open({ onMessage, onLost: lose });
      this.#link = link;
      const beat = (): void => {
        link.send(encodeMessage({ from: this.#id, beat: this.#lease.beat() })).catch(lose);
      };
      const begin = async (): Promise<void> => {
        await link.ready;
        if (this.#link !== link) return;
        this.#isReady = true;
        beat();
        timers.push(setInterval(beat, this.#lease.beatEveryMs).unref());
        this.#flush();
      };
      begin().catch(lose);
    });
    const error = await lost.catch((failure: unknown) => failure);
    for (const timer of timers) clearTimeout(timer);
    this.#abandon();
    if (!this.#stopping.signal.aborted) this.#outage.failed(error, CONSEQUENCE);
    return hasWorked;
  }

  #abandon(): void {
    this.#link?.cut();
    this.#link = undefined;
    this.#isReady = false;
    const wasHeld = this.#lease.expiresAt > -Infinity;
    this.#lease.drop();
    if (wasHeld && !this.#stopping.signal.aborted) this.#listeners.gap();
  }

  /** @returns what came: proof of the lease, or anything else. */
  #receive(text: string): 'lease' | 'other' {
    const message = decodeMessage(text);
    if (message === undefined) {
      this.#ignoredMessageCount += 1;
      if (diagnostics['curfew:message-ignored'].hasSubscribers)
        diagnostics['curfew:message-ignored'].publish({});
      if (this.#ignoredMessageCount === 1) this.#logger.warn('ignored a message that is not ours');
      return 'other';
    }
    // What this process said itself, its listeners have heard already.
    if (message.from === this.#id) return this.#renew(message.beat) ? 'lease' : 'other';
    for (const notice of noticesOf(message)) this.#listeners.deliver(notice);
    return 'other';
  }

  #renew(beat: number | undefined): boolean {
    if (beat === undefined || this.#lease.after(beat) === undefined) return false;
    // Before the lease holds again: what was kept until now may be out of date.
    if (!this.#lease.isHeld) this.#listeners.gap();
    this.#lease.renew(beat);
    this.#outage.succeeded();
    return true;
  }

  #flush(): void {
    if (this.#isReady) this.#flushing ??= this.#send();
  }

  async #send(): Promise<void> {
    // What comes in the same turn goes in the same message.
    await setImmediate();
    try {
      while (!this.#outgoing.isEmpty && this.#isReady) {
        const notices = this.#outgoing.take();
        try {
          await this.#link?.send(encodeMessage({ from: this.#id, ...notices }));
        } catch (error) {
          // Sent again over the next link: those who heard it look once more.
          for (const notice of noticesOf({ from: this.#id, ...notices }))
            this.#outgoing.add(notice);
          return this.#lose(error);
        }
      }
    } finally {
      this.#flushing = undefined;
    }
  }
}

function silentFor(ms: number): Error {
  return Object.assign(new Error(`Expected a sign of life within ${ms} ms, got none`), {
    code: 'ETIMEDOUT',
  });
}
