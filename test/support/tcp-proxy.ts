import { connect, createServer, type AddressInfo, type Server } from 'node:net';

import { TcpLink, type Direction, type LinkFaults, type Trap } from './tcp-link.js';

const BOTH: readonly Direction[] = ['to-server', 'to-client'];

interface Target {
  readonly host: string;
  readonly port: number;
}

/** Stands between a client and a server, and fails the way a network does, on demand and the same way each time. */
export class TcpProxy {
  readonly #links = new Set<TcpLink>();
  readonly #server: Server;
  readonly #faults: LinkFaults = {
    delayMs: { 'to-server': 0, 'to-client': 0 },
    isSwallowed: { 'to-server': false, 'to-client': false },
    swallowedBytes: 0,
    trap: null,
  };
  #target: Target;
  #isDown = false;
  #isClosed = false;
  #port = 0;

  private constructor(target: Target) {
    this.#target = target;
    this.#server = createServer((client) => {
      if (this.#isDown) return client.destroy();
      const link = new TcpLink(client, connect(this.#target), this.#faults);
      this.#links.add(link);
      return void link.closed.then(() => this.#links.delete(link));
    });
  }

  /** In front of the server that `url` names. */
  static async start(url: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetOf(url));
    await proxy.#listen();
    proxy.#port = (proxy.#server.address() as AddressInfo).port;
    return proxy;
  }

  /** `url` as it is reached through the proxy. */
  through(url: string): string {
    return Object.assign(new URL(url), { hostname: '127.0.0.1', port: `${this.#port}` }).href;
  }

  /** How many clients are connected. */
  get connectionCount(): number {
    return [...this.#links].filter(({ isClientOpen }) => isClientOpen).length;
  }

  /** How much was sent that did not get through. */
  get swallowedBytes(): number {
    return this.#faults.swallowedBytes;
  }

  /** Swallows whatever is sent, on open connections and new ones; only one way where a direction is given. */
  freeze(direction?: Direction): void {
    for (const each of direction === undefined ? BOTH : [direction]) {
      this.#faults.isSwallowed[each] = true;
    }
  }

  /** Holds back whatever is sent; only one way where a direction is given. */
  delay(ms: number, direction?: Direction): void {
    for (const each of direction === undefined ? BOTH : [direction]) {
      this.#faults.delayMs[each] = ms;
    }
  }

  /**
   * Forgets the connections that are open: nothing passes any more and neither side is ever told, not even by `heal`. New
   * ones work.
   */
  abandon(): void {
    for (const link of this.#links) link.abandon();
  }

  /** Ends the open connections with an RST. New ones work. */
  reset(): void {
    for (const link of this.#links) link.reset();
  }

  /** Breaks the open connections, and each new one as soon as it is made. */
  cut(): void {
    this.#isDown = true;
    this.#cutAll();
  }

  /** Breaks the open connections and listens no more: new ones are refused. */
  refuse(): void {
    if (this.#server.listening) this.#server.close();
    this.#cutAll();
  }

  /**
   * Cuts the next connection whose client sends the text: before the server gets it, or when the server has answered and
   * before the client gets that. @returns when that has happened.
   */
  cutOn(text: string, when: Trap['when']): Promise<void> {
    return new Promise((resolve) => {
      this.#faults.trap = { text, when, sprung: resolve };
    });
  }

  /** Leads new connections to another server, as a change of address does. */
  retarget(url: string): void {
    this.#target = targetOf(url);
  }

  /** Works again, for connections made from now on; what was open is cut. Not after `close`. */
  async heal(): Promise<void> {
    if (this.#isClosed) return;
    this.#cutAll();
    this.#isDown = false;
    this.#faults.trap = null;
    for (const direction of BOTH) {
      this.#faults.isSwallowed[direction] = false;
      this.#faults.delayMs[direction] = 0;
    }
    if (!this.#server.listening) await this.#listen();
  }

  /** @returns when nothing is left of it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const links = [...this.#links];
    this.refuse();
    for (const link of links) link.destroy();
    await Promise.all(links.map(({ closed }) => closed));
  }

  #cutAll(): void {
    for (const link of this.#links) link.cut();
  }

  #listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
  }
}

function targetOf(url: string): Target {
  const { hostname, port, protocol } = new URL(url);
  const usual = { 'mysql:': 3306, 'mariadb:': 3306, 'redis:': 6379 }[protocol] ?? 5432;
  return { host: hostname, port: Number(port || usual) };
}
