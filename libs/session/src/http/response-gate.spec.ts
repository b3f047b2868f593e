import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, createServer as createHttp2Server, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';

import { afterEach, describe, expect, it } from '@jest/globals';

import { ResponseGate, type ResponseGateHooks } from './response-gate.js';

type Send = (response: ServerResponse) => void;

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
  readonly cookies?: string[];
}

/** What a gate stands before. */
type Guard = (gate: ResponseGate) => void;

const head: Guard = (gate) => gate.guardHead();
const whole: Guard = (gate) => {
  gate.guardHead();
  gate.guardBody();
};

interface Transport {
  readonly name: string;
  answer(hooks: ResponseGateHooks, send: Send, guard?: Guard): Promise<Answer>;
}

const close: (() => void)[] = [];
afterEach(() => close.splice(0).forEach((stop) => stop()));

function listening(server: Server | Http2Server): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  );
}

const http1: Transport = {
  name: 'HTTP/1.1',
  async answer(given, send, guard = whole) {
    const server = createServer((_: IncomingMessage, response: ServerResponse) => {
      guard(new ResponseGate(response, given));
      send(response);
    });
    close.push(() => server.close());
    const response = await fetch(`http://127.0.0.1:${await listening(server)}`);
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      cookies: response.headers.getSetCookie(),
      body: await response.text(),
    };
  },
};

const http2: Transport = {
  name: 'HTTP/2',
  async answer(given, send, guard = whole) {
    const server = createHttp2Server((_, response) => {
      guard(new ResponseGate(response as unknown as ServerResponse, given));
      send(response as unknown as ServerResponse);
    });
    const client = connect(`http://127.0.0.1:${await listening(server)}`);
    close.push(
      () => client.close(),
      () => server.close(),
    );
    const stream = client.request({ ':path': '/' });
    const arrived = new Promise<Record<string, unknown>>((resolve, reject) => {
      stream.on('response', resolve).on('close', () => reject(new Error('closed without a head')));
    });
    let body = '';
    for await (const chunk of stream) body += String(chunk);
    const headers = await arrived;
    return { status: Number(headers[':status']), headers, body };
  },
};

function hooks(overrides: Partial<ResponseGateHooks> = {}): ResponseGateHooks {
  return {
    before: () => undefined,
    onHead: () => undefined,
    onFailure: () => ({ statusCode: 500 }),
    ...overrides,
  };
}

const WAYS: readonly [name: string, send: Send][] = [
  ['end', (response) => response.end('body')],
  ['write and end', (response) => void (response.write('bo'), response.end('dy'))],
  ['writeHead with an object', (response) => response.writeHead(200, { 'X-Own': '1' }).end('body')],
  [
    'writeHead with an array',
    (response) =>
      response.writeHead(200, ['X-Own', '1', 'Set-Cookie', ['a=1', 'b=2']] as never).end('body'),
  ],
  [
    'writeHead with pairs',
    (response) =>
      response
        .writeHead(200, [
          ['X-Own', '1'],
          ['Set-Cookie', 'a=1'],
        ] as never)
        .end('body'),
  ],
  [
    'writeHead with a message',
    (response) => response.writeHead(200, 'Fine', { 'X-Own': '1' }).end('body'),
  ],
  ['a stream', (response) => Readable.from(['bo', 'dy']).pipe(response)],
  ['flushHeaders', (response) => void (response.flushHeaders(), response.end('body'))],
];

describe.each([http1, http2])('ResponseGate on $name', (transport) => {
  it.each(WAYS)('adds headers to an answer sent by %s', async (_, send) => {
    const seen: number[] = [];
    const given = hooks({
      before: (statusCode) => void seen.push(statusCode),
      onHead: (response) => void response.setHeader('X-Added', 'yes'),
    });
    for (const guard of [head, whole]) {
      const answer = await transport.answer(given, send, guard);
      expect(answer).toMatchObject({ status: 200, body: 'body', headers: { 'x-added': 'yes' } });
    }
    expect(seen).toEqual([200, 200]);
  });

  it('holds what is sent after it was put before the body as well', async () => {
    const order: string[] = [];
    const before = async (): Promise<void> => {
      await new Promise(setImmediate);
      order.push('work');
    };
    let gate: ResponseGate | undefined;
    const answer = await transport.answer(
      hooks({ before, onHead: () => order.push('head') }),
      (response) => {
        gate?.guardBody();
        gate?.guardBody();
        response.end('body');
        order.push('sent');
      },
      (made) => {
        made.guardHead();
        gate = made;
      },
    );
    expect(answer).toMatchObject({ status: 200, body: 'body' });
    expect(order).toEqual(['sent', 'work', 'head']);
  });

  it.each(WAYS)(
    'holds an answer sent by %s until the work is done, and then sends it whole',
    async (_, send) => {
      const order: string[] = [];
      const before = async (): Promise<void> => {
        await new Promise(setImmediate);
        order.push('work');
      };
      const answer = await transport.answer(
        hooks({ before, onHead: () => order.push('head') }),
        (response) => {
          send(response);
          order.push('sent');
        },
      );
      expect(answer).toMatchObject({ status: 200, body: 'body' });
      expect(order).toEqual(['sent', 'work', 'head']);
    },
  );

  it.each(WAYS)('answers the failure in place of what was sent by %s', async (_, send) => {
    const answer = await transport.answer(
      hooks({
        before: () => Promise.reject(new Error('down')),
        onFailure: () => ({ statusCode: 503, code: 'DOWN' }),
      }),
      send,
    );
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body)).toEqual({ statusCode: 503, code: 'DOWN' });
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  });

  it('keeps the headers that were set, and those of writeHead before them', async () => {
    const answer = await transport.answer(hooks(), (response) => {
      response.setHeader('X-Set', '1');
      response.setHeader('X-Both', 'set');
      response.writeHead(201, { 'X-Both': 'head', 'X-Head': '1' }).end();
    });
    expect(answer).toMatchObject({
      status: 201,
      headers: { 'x-set': '1', 'x-both': 'head', 'x-head': '1' },
    });
  });

  it('tells the status that is about to be sent', async () => {
    const seen: number[] = [];
    const record = (statusCode: number): undefined => void seen.push(statusCode);
    await transport.answer(
      hooks({ before: record, onHead: (_, statusCode) => record(statusCode) }),
      (response) => {
        response.statusCode = 200;
        response.writeHead(404).end();
      },
    );
    expect(seen).toEqual([404, 404]);
  });

  it('looks like a sent response to others while it holds one', async () => {
    const seen: boolean[] = [];
    await transport.answer(hooks({ before: () => new Promise(setImmediate) }), (response) => {
      seen.push(response.headersSent);
      response.end('first');
      seen.push(response.headersSent);
      response.end('second');
    });
    expect(seen).toEqual([false, true]);
  });

  it('asks for work once, however many writes follow', async () => {
    let asked = 0;
    const before = (): undefined => void (asked += 1);
    await transport.answer(hooks({ before }), (response) => {
      response.write('a');
      response.write('b');
      response.end('c');
    });
    expect(asked).toBe(1);
  });

  it('survives a held answer that cannot be sent', async () => {
    const answered = transport.answer(
      hooks({ before: () => Promise.resolve() }),
      (response) => void response.writeHead(200, { 'X Bad': 'name' }),
    );
    await expect(answered).rejects.toThrow(/fetch failed|closed without a head/);
  });
});

describe('ResponseGate', () => {
  it('takes over a name that an array repeats, in place of what was set before', async () => {
    const answer = await http1.answer(hooks(), (response) => {
      response.setHeader('Set-Cookie', 'old=1');
      response.writeHead(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']).end();
    });
    expect(answer.cookies).toEqual(['a=1', 'b=2']);
  });

  it('adds headers to the answer that follows one that Node refused', async () => {
    const onHead = (response: ServerResponse, statusCode: number): void =>
      void response.setHeader('X-Added', String(statusCode));
    let refused: unknown;
    const answer = await http1.answer(hooks({ onHead }), (response) => {
      try {
        response.writeHead(9999);
      } catch (error) {
        refused = error;
      }
      response.writeHead(500).end('body');
    });
    expect(refused).toBeInstanceOf(Error);
    expect(answer).toMatchObject({ status: 500, body: 'body', headers: { 'x-added': '500' } });
  });
});
