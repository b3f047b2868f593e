import type { IncomingMessage } from 'node:http';

import type { ExecutionContext } from '@nestjs/common';

import { HttpExchange, type HttpRequest, type HttpResponse } from './http-request.js';
import { upgradedSocket, webSocket, type OpenSocket, type WebSocketLike } from './open-socket.js';
import { HandshakeRequest } from './websocket-handshake.js';

/** What drivers put into the context of an operation. */
interface OperationContext {
  /** Apollo's on Express, and what Nest makes of it elsewhere; of `graphql-ws`, its own context. */
  readonly req?: IncomingRequest & SocketContext;
  readonly request?: IncomingRequest;
  readonly res?: HttpResponse;
  /** Fastify's; Mercurius puts one without a response there for what comes over a socket. */
  readonly reply?: Partial<HttpResponse> & { readonly request?: IncomingRequest };
  readonly extra?: SocketContext['extra'];
}

/** Express knows the response of a request. */
type IncomingRequest = HttpRequest & { readonly res?: HttpResponse };

/** What `graphql-ws` knows of a socket. */
interface SocketContext {
  readonly extra?: { readonly request?: IncomingMessage; readonly socket?: WebSocketLike };
}

/** The part of `GraphQLResolveInfo` that is read. */
interface ResolveInfo {
  readonly fieldName: string;
  readonly path: { readonly prev: unknown };
  readonly operation: { readonly operation: 'query' | 'mutation' | 'subscription' };
}

/**
 * What `graphql-ws` calls forbidden. Its clients take 4401 for final; after this one they connect again, with the newest
 * cookie of the browser.
 */
const GRAPHQL_CLOSE_CODE = 4403;

const handshakes = new WeakMap<object, HandshakeRequest>();

/**
 * The request and the response behind a resolver; all resolvers of one HTTP request share them. `undefined` where the
 * context of the operation holds no request or no response.
 */
export function exchangeOfOperation(context: ExecutionContext): HttpExchange | undefined {
  const args: unknown[] = context.getArgs();
  // Resolvers of references and of types are called without the field's arguments, which a client may give any shape.
  const position = args.findLastIndex(isResolveInfo);
  const operation = args[position - 1] as OperationContext | undefined;
  if (operation === undefined || operation === null) return undefined;
  const handshake = handshakeOfOperation(operation);
  if (handshake !== undefined) return new HttpExchange('graphql', handshake, null);
  const { req, request = req ?? operation.reply?.request, res, reply = res } = operation;
  const response = reply?.raw ?? res ?? request?.res;
  if (request?.headers === undefined || response === undefined) return undefined;
  const hasSiblings = !isRootMutation(args[position] as ResolveInfo);
  return new HttpExchange('graphql', request, response, hasSiblings);
}

function handshakeOfOperation(operation: OperationContext): HandshakeRequest | undefined {
  const known = handshakes.get(operation);
  if (known !== undefined) return known;
  const { req, reply, extra = req?.extra } = operation;
  const isOverSocket = reply !== undefined && reply.raw === undefined;
  const request = extra?.request ?? (isOverSocket ? reply.request?.raw : undefined);
  if (request === undefined) return undefined;
  const socket = socketOf(request, extra);
  const handshake = new HandshakeRequest({ connection: request, request, openedAt: null, socket });
  handshakes.set(operation, handshake);
  return handshake;
}

/** Mercurius shows the request only. */
function socketOf(request: IncomingMessage, extra: SocketContext['extra']): OpenSocket {
  return extra?.socket === undefined
    ? upgradedSocket(request.socket, GRAPHQL_CLOSE_CODE)
    : webSocket(extra.socket, GRAPHQL_CLOSE_CODE);
}

function isResolveInfo(arg: unknown): arg is ResolveInfo {
  return typeof arg === 'object' && arg !== null && 'fieldName' in arg && 'operation' in arg;
}

/** GraphQL runs the fields of a mutation one after another, all others side by side (specification, section 6.2.2). */
function isRootMutation({ path, operation }: ResolveInfo): boolean {
  return path.prev === undefined && operation.operation === 'mutation';
}
