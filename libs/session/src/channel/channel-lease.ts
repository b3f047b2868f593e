/** So many signs of life fit into one lease: one that is lost does not end it. */
const BEATS_PER_LEASE = 3;

/**
 * How long this process may believe that it hears everything. It sends signs of life to itself through the server, and
 * each that comes back proves that everything sent before it has arrived as well.
 */
export class ChannelLease {
  readonly beatEveryMs: number;
  #expiresAt = -Infinity;
  #lastBeat = 0;
  /** When the signs of life that have not come back were sent. */
  readonly #sentAt = new Map<number, number>();

  /** @param ms how long a sign of life is good for, from when it was sent. */
  constructor(readonly ms: number) {
    this.beatEveryMs = ms / BEATS_PER_LEASE;
  }

  /** By `performance.now()`. */
  get expiresAt(): number {
    return this.#expiresAt;
  }

  get isHeld(): boolean {
    return performance.now() < this.#expiresAt;
  }

  /** @returns the number to send. */
  beat(): number {
    this.#lastBeat += 1;
    this.#sentAt.set(this.#lastBeat, performance.now());
    return this.#lastBeat;
  }

  /** Until when the lease would hold by a number that came back; `undefined` for one that was never sent, or came before. */
  after(beat: number): number | undefined {
    const sentAt = this.#sentAt.get(beat);
    return sentAt === undefined ? undefined : sentAt + this.ms;
  }

  renew(beat: number): void {
    this.#expiresAt = this.after(beat) ?? this.#expiresAt;
    for (const sent of this.#sentAt.keys()) if (sent <= beat) this.#sentAt.delete(sent);
  }

  /** Ends the lease. Signs of life that are under way say nothing any more. */
  drop(): void {
    this.#expiresAt = -Infinity;
    this.#sentAt.clear();
  }
}
