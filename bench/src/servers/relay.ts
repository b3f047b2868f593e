import {
  connect,
  createServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net';

/** Stands before a server and, when it is told, swallows everything: no connection ends, none is answered. */
export class Relay {
  readonly #sockets = new Set<Socket>();
  readonly #server: TcpServer;
  #isCut = false;

  private constructor(private readonly target: URL) {
    this.#server = createServer((client) => {
      const server = connect(Number(this.target.port || 6379), this.target.hostname);
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        this.#sockets.add(from);
        from.on('error', () => {});
        from.on('close', () => {
          this.#sockets.delete(from);
          to.destroy();
        });
        from.on('data', (bytes) => {
          if (!this.#isCut) to.write(bytes);
        });
      }
    });
  }

  static async start(url: string): Promise<Relay> {
    const relay = new Relay(new URL(url));
    await new Promise<void>((listening) => relay.#server.listen(0, '127.0.0.1', listening));
    return relay;
  }

  /** The server's address, by way of this. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return Object.assign(new URL(this.target), { host: `127.0.0.1:${port}` }).href;
  }

  cut(): void {
    this.#isCut = true;
  }

  /** Lets new connections through; those of before have lost bytes, and end. */
  heal(): void {
    this.#isCut = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
