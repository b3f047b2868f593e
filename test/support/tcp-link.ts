import type { Socket } from 'node:net';

/** Which way bytes go through a proxy. */
export type Direction = 'to-server' | 'to-client';

/** What a proxy does to the bytes of all its connections. */
export interface LinkFaults {
  /** How long bytes are held back, in milliseconds. */
  readonly delayMs: Record<Direction, number>;
  readonly isSwallowed: Record<Direction, boolean>;
  swallowedBytes: number;
  /** Cuts the first connection whose client sends the text; `null` for none. */
  trap: Trap | null;
}

export interface Trap {
  readonly text: string;
  /** Before the server gets the text, or after it has answered and before the client learns of that. */
  readonly when: 'before-it-arrives' | 'before-its-answer';
  readonly sprung: () => void;
}

/** One connection through a proxy: what the client sends goes to the server, and back. */
export class TcpLink {
  #isAbandoned = false;
  /** Set while the answer to the trap's text is awaited. */
  #awaited: Trap | null = null;
  /** The end of what the client sent: a text may come in two pieces. */
  #tail = '';
  /** Resolves when both sides are. */
  readonly closed: Promise<unknown>;

  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
    private readonly faults: LinkFaults,
  ) {
    this.closed = Promise.all(
      [client, server].map((socket) => new Promise((resolve) => socket.on('close', resolve))),
    );
    this.#carry(client, server, 'to-server');
    this.#carry(server, client, 'to-client');
  }

  get isClientOpen(): boolean {
    return !this.client.closed;
  }

  /** Ends both sides, with an orderly FIN. */
  destroy(): void {
    this.client.destroy();
    this.server.destroy();
  }

  /** The same, unless the connection is abandoned. */
  cut(): void {
    if (!this.#isAbandoned) this.destroy();
  }

  /** Ends both sides with an RST, as a machine does that knows nothing of the connection; unless it is abandoned. */
  reset(): void {
    if (this.#isAbandoned) return;
    this.client.resetAndDestroy();
    this.server.resetAndDestroy();
  }

  /** Carries nothing any more, and tells nobody: as where a peer was switched off. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  #carry(from: Socket, to: Socket, direction: Direction): void {
    const held: Buffer[] = [];
    const send = (): void => {
      const bytes = held.shift();
      if (bytes !== undefined && !this.#isLost(direction)) to.write(bytes);
    };
    from.on('error', () => {});
    from.on('close', () => void (this.#isAbandoned || to.destroy()));
    from.on('data', (bytes) => {
      if (this.#isLost(direction)) this.faults.swallowedBytes += bytes.length;
      if (this.#isLost(direction) || this.#springs(bytes, direction)) return;
      held.push(bytes);
      const delayMs = this.faults.delayMs[direction];
      // By turns also where the delay has changed meanwhile: whatever is due sends what came first.
      if (delayMs === 0 && held.length === 1) send();
      else setTimeout(send, delayMs).unref();
    });
  }

  #isLost(direction: Direction): boolean {
    return this.#isAbandoned || this.faults.isSwallowed[direction];
  }

  #springs(bytes: Buffer, direction: Direction): boolean {
    if (direction === 'to-client') return this.#spring(this.#awaited);
    const { trap } = this.faults;
    if (trap === null) return false;
    const text = this.#tail + bytes.toString('latin1');
    this.#tail = text.slice(-trap.text.length + 1);
    if (!text.includes(trap.text)) return false;
    this.faults.trap = null;
    if (trap.when === 'before-it-arrives') return this.#spring(trap);
    this.#awaited = trap;
    return false;
  }

  #spring(trap: Trap | null): boolean {
    if (trap === null) return false;
    this.destroy();
    trap.sprung();
    return true;
  }
}
