import { createServer, type AddressInfo, type Socket } from 'node:net';

import { afterAll } from '@jest/globals';

/** A server that accepts connections and never answers, as a peer that hangs. Closed after the last test of the block. */
export async function startSilentServer(): Promise<{ readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterAll(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return { port: (server.address() as AddressInfo).port };
}
