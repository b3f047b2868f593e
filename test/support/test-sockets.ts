import { once } from 'node:events';

import { io } from 'socket.io-client';
import { WebSocket } from 'ws';

/** A client of a gateway that sends one message after another. */
export interface TestSocket {
  /** Sends a message and waits for so many answers, or for one exception. */
  ask(event: string, data?: unknown, count?: number): Promise<readonly Reply[]>;
  close(): void;
}

/** What a gateway sent: an `answer`, or an `exception`. */
export interface Reply {
  readonly event: string;
  readonly data: unknown;
}

export interface Handshake {
  readonly headers?: Readonly<Record<string, string>>;
  /** Socket.IO only. */
  readonly auth?: Readonly<Record<string, unknown>>;
}

export type SocketKind = 'socket.io' | 'ws';

/** Connects; resolves once the socket is open. */
export function openSocket(
  kind: SocketKind,
  origin: string,
  handshake: Handshake = {},
): Promise<TestSocket> {
  return kind === 'ws' ? openWs(origin, handshake) : openSocketIo(origin, handshake);
}

async function openSocketIo(
  origin: string,
  { headers = {}, auth = {} }: Handshake,
): Promise<TestSocket> {
  const socket = io(origin, {
    extraHeaders: headers,
    auth,
    transports: ['websocket'],
    forceNew: true,
    reconnection: false,
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  return {
    ask: (event, data, count = 1) =>
      collect(count, (receive) => {
        const receiveAnswer = (body: unknown) => receive({ event: 'answer', data: body });
        const receiveException = (body: unknown) => receive({ event: 'exception', data: body });
        socket.on('answer', receiveAnswer);
        socket.on('exception', receiveException);
        socket.emit(event, data);
        return () => {
          socket.off('answer', receiveAnswer);
          socket.off('exception', receiveException);
        };
      }),
    close: () => void socket.close(),
  };
}

async function openWs(origin: string, { headers = {} }: Handshake): Promise<TestSocket> {
  const socket = new WebSocket(origin.replace(/^http/, 'ws'), { headers });
  await once(socket, 'open');
  return {
    ask: (event, data, count = 1) =>
      collect(count, (receive) => {
        const listener = (text: Buffer): void =>
          receive(JSON.parse(text.toString('utf8')) as Reply);
        socket.on('message', listener);
        socket.send(JSON.stringify({ event, data }));
        return () => socket.off('message', listener);
      }),
    close: () => socket.terminate(),
  };
}

function collect(
  count: number,
  listen: (receive: (reply: Reply) => void) => () => unknown,
): Promise<readonly Reply[]> {
  return new Promise((resolve) => {
    const replies: Reply[] = [];
    const stop = listen((reply) => {
      replies.push(reply);
      if (replies.length < count && reply.event !== 'exception') return;
      stop();
      resolve(replies);
    });
  });
}
