import { once } from 'node:events';

import { io } from 'socket.io-client';
import { WebSocket } from 'ws';

/** A client of a gateway that sends one message after another. */
export interface TestSocket {
  /** Sends a message and waits for so many answers, or for one exception. */
  ask(event: string, data?: unknown, count?: number): Promise<readonly Reply[]>;
  /** Resolves when the server has closed the socket, with what it said about that. */
  readonly closed: Promise<Closure>;
  close(): void;
}

/** What a gateway sent: an `answer`, or an `exception`. */
export interface Reply {
  readonly event: string;
  readonly data: unknown;
}

/** How a socket was closed. Socket.IO has no codes: what it says comes as an exception before. */
export interface Closure {
  readonly code: number | null;
  readonly reason: string;
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
  let lastException: { reason?: string; revokeReason?: string } = {};
  socket.on('exception', (body) => (lastException = body as typeof lastException));
  const closed = new Promise<Closure>((resolve) => {
    socket.once('disconnect', (how) => {
      const { reason = how, revokeReason = reason } = lastException;
      resolve({ code: null, reason: revokeReason });
    });
  });
  return {
    closed,
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
  const closed = new Promise<Closure>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await once(socket, 'open');
  return {
    closed,
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
