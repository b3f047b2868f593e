import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** What happens before the head of a response leaves, whoever sends it. */
export interface ResponseGateHooks {
  /** Work that must be done first; the response waits for it. `undefined`: nothing to wait for. */
  before(statusCode: number): Promise<void> | undefined;
  /** Last chance to set headers: what the handler, the adapter or a filter chose is all there. */
  onHead(response: ServerResponse, statusCode: number): void;
  /** The body to answer instead, where the work failed. */
  onFailure(response: ServerResponse, error: unknown): { readonly statusCode: number };
}

const BODY_METHODS = ['flushHeaders', 'write', 'end'] as const;
type Method = 'writeHead' | (typeof BODY_METHODS)[number];
type Call = readonly [method: Method, args: unknown[]];
type AnyFunction = (...args: unknown[]) => unknown;

/** The methods in whose place the gate stands. A class, for the reason that `HttpExchange` gives. */
class Originals implements Record<Method, AnyFunction | undefined> {
  writeHead: AnyFunction | undefined;
  flushHeaders: AnyFunction | undefined;
  write: AnyFunction | undefined;
  end: AnyFunction | undefined;
}

/** Headers that describe a body, and mean nothing for the one sent in its place. */
const BODY_HEADERS = [
  'content-length',
  'content-type',
  'content-encoding',
  'content-disposition',
  'content-range',
  'transfer-encoding',
  'etag',
  'last-modified',
  'location',
];

/**
 * Stands between a response and its first byte.
 *
 * Nest's interceptors see only what a handler returns. A handler that takes the response itself (`@Res()`, a redirect,
 * Fastify's `hijack()`), a filter and a stream go past them; all of them end up in these four methods of Node's response,
 * on every adapter and on HTTP/2. While the work before the head runs, calls are kept and then made in their order.
 */
export class ResponseGate {
  readonly #response: ServerResponse;
  readonly #hooks: ResponseGateHooks;
  readonly #originals = new Originals();
  #isOpen = false;
  /** Whether the head was sent. Kept here: `headersSent` is asked once and not for each call, for what it costs on Express. */
  #isHeadOut: boolean;
  #isReplaced = false;
  #held: Call[] | undefined;

  constructor(response: ServerResponse, hooks: ResponseGateHooks) {
    this.#response = response;
    this.#hooks = hooks;
    this.#isHeadOut = response.headersSent;
  }

  get isHeadOut(): boolean {
    return this.#isHeadOut;
  }

  /**
   * Takes the place of `writeHead`, for good: all other methods come there. Enough for headers to be set, and as long as
   * there is nothing to wait for: each method that is replaced is a new hidden class for the response.
   */
  guardHead(): void {
    this.#guard('writeHead');
  }

  /** Takes the place of those that send a body as well. Before there is work: the head alone cannot wait. */
  guardBody(): void {
    for (const method of BODY_METHODS) this.#guard(method);
  }

  #guard(method: Method): void {
    if (this.#originals[method] !== undefined) return;
    const response = this.#response as unknown as Record<Method, AnyFunction>;
    this.#originals[method] = response[method];
    response[method] = (...args: unknown[]) => this.#enter(method, args);
  }

  #enter(method: Method, args: unknown[]): unknown {
    if (this.#held !== undefined || this.#isReplaced) return this.#hold([method, args]);
    if (!this.#isOpen && !this.#isHeadOut) {
      const statusCode = method === 'writeHead' ? Number(args[0]) : this.#response.statusCode;
      const work = this.#hooks.before(statusCode);
      if (work !== undefined) return this.#close(work, [method, args]);
    }
    this.#isOpen = true;
    return this.#pass(method, args);
  }

  #close(work: Promise<void>, first: Call): unknown {
    this.#held = [];
    // For the sender the head is out: a filter or an adapter must not begin a second answer meanwhile.
    Object.defineProperty(this.#response, 'headersSent', { configurable: true, get: () => true });
    work.then(
      () => this.#release((calls) => calls.forEach(([method, args]) => this.#pass(method, args))),
      (error: unknown) =>
        this.#release(() => this.#answer(this.#hooks.onFailure(this.#response, error))),
    );
    return this.#hold(first);
  }

  #hold(call: Call): unknown {
    const calls = this.#held ?? [];
    if (calls.at(-1)?.[0] !== 'end') calls.push(call);
    // `write` answers false: whoever listens waits for the `drain` below.
    return call[0] === 'write' ? false : this.#response;
  }

  #release(send: (calls: readonly Call[]) => void): void {
    const calls = this.#held ?? [];
    Reflect.deleteProperty(this.#response, 'headersSent');
    this.#held = undefined;
    this.#isOpen = true;
    try {
      send(calls);
      if (!this.#response.writableEnded) this.#response.emit('drain');
    } catch {
      // The sender, who should have met this error, is long gone; an answer cut short is all that can be said now.
      this.#response.destroy();
    }
  }

  #pass(method: Method, args: unknown[]): unknown {
    const original = this.#originals[method] ?? (this.#response[method] as AnyFunction);
    if (method !== 'writeHead' || this.#isHeadOut) return original.apply(this.#response, args);
    const result = original.apply(this.#response, this.#head(args));
    // Not before: a head that Node refuses is not out.
    this.#isHeadOut = true;
    return result;
  }

  /** Moves the headers given to `writeHead` to the response, so that one place sees all of them. */
  #head([statusCode, ...args]: unknown[]): unknown[] {
    const statusMessage = typeof args[0] === 'string' ? [args.shift()] : [];
    applyHeaders(this.#response, args[0]);
    this.#hooks.onHead(this.#response, Number(statusCode));
    return [statusCode, ...statusMessage];
  }

  #answer(body: { readonly statusCode: number }): void {
    for (const name of BODY_HEADERS) this.#response.removeHeader(name);
    this.#response.setHeader('Content-Type', 'application/json; charset=utf-8');
    this.#pass('writeHead', [body.statusCode]);
    this.#pass('end', [JSON.stringify(body)]);
    this.#isReplaced = true;
  }
}

/** `writeHead` takes an object, or an array in which a name may come twice. */
function applyHeaders(response: ServerResponse, headers: unknown): void {
  if (Array.isArray(headers)) {
    const pairs = pairsOf(headers);
    for (const [name] of pairs) response.removeHeader(name);
    for (const [name, value] of pairs) response.appendHeader(name, value);
  } else if (typeof headers === 'object' && headers !== null) {
    for (const [name, value] of Object.entries(headers as OutgoingHttpHeaders)) {
      if (value !== undefined) response.setHeader(name, value);
    }
  }
}

/** Node takes names and values by turns, and pairs of them. */
function pairsOf(headers: readonly unknown[]): [name: string, value: string | string[]][] {
  const pairs = Array.isArray(headers[0])
    ? headers
    : headers.flatMap((name, index) => (index % 2 === 0 ? [[name, headers[index + 1]]] : []));
  return pairs as [string, string | string[]][];
}
