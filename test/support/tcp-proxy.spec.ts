import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { TcpProxy } from './tcp-proxy.js';
import { until } from './until.js';

/** A server that says back what it hears, and keeps it. */
class Echo {
  heard = '';
  readonly sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(private readonly name = '') {
    this.#server = createServer((socket) => {
      this.sockets.add(socket.on('error', () => {}).on('close', () => this.sockets.delete(socket)));
      socket.on('data', (bytes) => {
        this.heard += bytes.toString();
        socket.write(this.name + bytes.toString());
      });
    });
  }

  static async start(name?: string): Promise<Echo> {
    const echo = new Echo(name);
    await new Promise<void>((resolve) => echo.#server.listen(0, '127.0.0.1', resolve));
    return echo;
  }

  get url(): string {
    return `tcp://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A client of the proxy, and all that happens to it. */
class Client {
  heard = '';
  ended: string | undefined;
  readonly socket: Socket;

  constructor(url: string) {
    const { port } = new URL(url);
    this.socket = connect(Number(port), '127.0.0.1')
      .on('data', (bytes) => (this.heard += bytes.toString()))
      .on('error', (error: NodeJS.ErrnoException) => (this.ended = error.code))
      .on('close', () => (this.ended ??= 'closed'));
  }

  async asks(text: string): Promise<string> {
    this.heard = '';
    this.socket.write(text);
    await until(() => this.heard.length >= text.length || this.ended !== undefined);
    return this.ended ?? this.heard;
  }
}

describe('the fault proxy', () => {
  let echo: Echo;
  let proxy: TcpProxy;
  const clients: Client[] = [];

  beforeEach(async () => {
    echo = await Echo.start();
    proxy = await TcpProxy.start(echo.url);
  });

  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.destroy();
    await proxy.close();
    await echo.close();
  });

  async function client(): Promise<Client> {
    const made = new Client(proxy.through(echo.url));
    clients.push(made);
    await Promise.race([once(made.socket, 'connect'), once(made.socket, 'close')]);
    return made;
  }

  it('passes bytes both ways, and counts connections', async () => {
    const [one, two] = [await client(), await client()];
    expect([await one.asks('a'), await two.asks('bc')]).toEqual(['a', 'bc']);
    expect(proxy.connectionCount).toBe(2);
    one.socket.destroy();
    await until(() => proxy.connectionCount === 1);
  });

  it.each([
    ['to-server', ''],
    ['to-client', 'lost'],
  ] as const)('swallows what goes %s, and keeps the client open', async (direction, heard) => {
    const one = await client();
    await one.asks('first');
    echo.heard = one.heard = '';
    proxy.freeze(direction);
    one.socket.write('lost');
    await until(() => proxy.swallowedBytes === 'lost'.length);
    expect([echo.heard, one.heard, one.ended]).toEqual([heard, '', undefined]);
  });

  it('accepts and never answers while it is frozen, and works after it', async () => {
    proxy.freeze();
    const one = await client();
    one.socket.write('a');
    await until(() => proxy.connectionCount === 1);
    expect([one.heard, one.ended]).toEqual(['', undefined]);
    await proxy.heal();
    await until(() => one.ended !== undefined);
    expect(await (await client()).asks('b')).toBe('b');
  });

  it('holds bytes back', async () => {
    const one = await client();
    await one.asks('first');
    proxy.delay(40, 'to-server');
    const startedAt = performance.now();
    expect(await one.asks('abc')).toBe('abc');
    expect(await one.asks('d')).toBe('d');
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(79);
  });

  it('forgets open connections without a word, and carries new ones', async () => {
    const one = await client();
    await one.asks('first');
    proxy.abandon();
    one.socket.write('lost');
    expect(await (await client()).asks('b')).toBe('b');
    await proxy.heal();
    expect(await (await client()).asks('c')).toBe('c');
    expect([echo.heard, one.ended]).toEqual(['firstbc', undefined]);
  });

  it('resets connections', async () => {
    const one = await client();
    await one.asks('first');
    proxy.reset();
    await until(() => one.ended !== undefined);
    expect(one.ended).toBe('ECONNRESET');
  });

  it('breaks connections as soon as they are made', async () => {
    const one = await client();
    await one.asks('first');
    proxy.cut();
    await until(() => one.ended !== undefined);
    expect(await (await client()).asks('x')).not.toBe('x');
    expect(echo.heard).toBe('first');
  });

  it('refuses connections, and listens on the same port again', async () => {
    const one = await client();
    proxy.refuse();
    await until(() => one.ended !== undefined);
    const refused = new Client(proxy.through(echo.url));
    await until(() => refused.ended !== undefined);
    expect(refused.ended).toBe('ECONNREFUSED');
    await proxy.heal();
    expect(await (await client()).asks('b')).toBe('b');
  });

  it.each([
    ['before-it-arrives', 'first'],
    ['before-its-answer', 'firstxxCOMMITxx'],
  ] as const)('cuts on a text %s, once', async (when, heard) => {
    const one = await client();
    const other = await client();
    await one.asks('first');
    const cut = proxy.cutOn('COMMIT', when);
    const answer = await one.asks('xxCOMMITxx');
    await cut;
    expect(answer).toBe('closed');
    expect([echo.heard, one.heard]).toEqual([heard, '']);
    expect(await other.asks('COMMIT')).toBe('COMMIT');
  });

  it('cuts on a text that comes in two pieces', async () => {
    const one = await client();
    const cut = proxy.cutOn('COMMIT', 'before-it-arrives');
    await one.asks('COM');
    one.socket.write('MIT');
    await cut;
    expect(echo.heard).toBe('COM');
  });

  it('leads new connections to another server', async () => {
    const other = await Echo.start('other ');
    const one = await client();
    await one.asks('first');
    proxy.retarget(other.url);
    expect(await one.asks('a')).toBe('a');
    expect(await (await client()).asks('b')).toBe('other b');
    await other.close();
  });
});
