import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

import type { ClientDescription } from '../core/session-work.js';

/** The part of Express's and Fastify's request that Curfew reads. */
export interface HttpRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** `http` or `https`, as the adapter's `trust proxy` setting sees it. */
  readonly protocol: string;
  /** With the port where it is not the scheme's own; through `trust proxy` as well. */
  readonly host: string | undefined;
  readonly ip: string | undefined;
  /** As the adapter parsed it. */
  readonly body?: unknown;
  /** Node's request below Fastify's. */
  readonly raw?: IncomingMessage;
  /** A bearer token that a socket's client gave beside its headers. */
  readonly offeredToken?: unknown;
  session?: unknown;
}

/** What answers a request. Fastify's reply has Node's response below it; Express's response is one. */
export type HttpResponse = ServerResponse & { readonly raw?: ServerResponse };

/**
 * A request and where its answer goes: Node's own response, below the adapter's.
 *
 * A class, like all that refers to a request and lives as long: V8 learns that objects of a literal outlive scavenges while
 * requests wait for the database, allocates later ones in the old generation, and from there they keep whole requests from
 * being scavenged. Measured on Fastify: 96 µs of processor time for a request, and 60 where V8 is told not to do that.
 *
 * One for each HTTP request: on Express every request and response has a hidden class of its own, in which V8 finds nothing by
 * its caches, so that what is known here is not asked of them again.
 */
export class HttpExchange {
  /** What `request.session` is: the session that the guard has put there, or what somebody else has. */
  #session: unknown;

  /**
   * @param response `null` on a socket: its handshake was answered long ago, and nothing can give the client a token any
   * more.
   * @param hasSiblings whether other handlers may run on the same session at this moment: the fields of a GraphQL query.
   */
  constructor(
    readonly transport: 'http' | 'graphql' | 'ws',
    readonly request: HttpRequest,
    readonly response: ServerResponse | null,
    readonly hasSiblings = false,
    session: unknown = request.session,
  ) {
    this.#session = session;
  }

  get session(): unknown {
    return this.#session;
  }

  /** Puts a session on the request, for the application and for whoever comes after the guard. */
  attach(session: object): void {
    this.#session = this.request.session = session;
  }

  /** Whether it came over a socket: it may change anything then, although the method of its handshake is GET. */
  get isOverSocket(): boolean {
    return this.response === null;
  }
}

/** Values of every header line of that name, in the order sent: Node hides all but the first of some. */
export function headerLines(request: HttpRequest, name: string): string[] {
  const { rawHeaders } = request.raw ?? (request as unknown as IncomingMessage);
  return rawHeaders.filter((_, index) => {
    return index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name;
  });
}

/** Who sent a request. */
export function describeClient({ ip, headers }: HttpRequest): ClientDescription {
  return { ip: ip ?? null, userAgent: headers['user-agent'] ?? null };
}

/** Whether a person is behind the request now: not for HEAD, OPTIONS, and pages that a browser fetches in advance. */
export function isActivity({ method, headers }: HttpRequest): boolean {
  if (method === 'HEAD' || method === 'OPTIONS') return false;
  return !(
    isPrefetch(headers['sec-purpose']) ||
    isPrefetch(headers['purpose']) ||
    isPrefetch(headers['x-purpose']) ||
    isPrefetch(headers['x-moz'])
  );
}

function isPrefetch(purpose: string | string[] | undefined): boolean {
  return purpose !== undefined && String(purpose).toLowerCase().includes('prefetch');
}
