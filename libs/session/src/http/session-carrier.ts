import type { ServerResponse } from 'node:http';

import type { ResolvedSessionOptions } from '../session.options-check.js';
import { headerLines, type HttpRequest } from './http-request.js';
import { MALFORMED, SessionCookie } from './session-cookie.js';

/** The response header that hands a token to a bearer client, which has no cookie jar. */
export const TOKEN_HEADER = 'Session-Token';

/** Where the token travels. An application has exactly one carrier; never the query, the body or the path. */
export interface SessionCarrier {
  /** The request header that answers depend on. */
  readonly varyOn: 'Cookie' | 'Authorization';
  /** Whether browsers attach the token by themselves, so that pages of other origins can send requests with it. */
  readonly isAmbient: boolean;
  /** The `WWW-Authenticate` of a 401 (RFC 9110 section 11.6.1); `null` for cookies, which are no authentication scheme. */
  readonly challenge: string | null;
  /** What the request presents; `undefined` where nothing, `MALFORMED` where it contradicts itself. */
  read(request: HttpRequest): string | undefined;
  /** Writes a token into the response; without `maxAgeMs` the client forgets it when it closes. */
  give(response: ServerResponse, token: string, maxAgeMs: number | null): void;
  /** Writes into the response that the client's token is over. */
  take(response: ServerResponse): void;
}

/** The carrier that the options name. */
export function createCarrier(options: ResolvedSessionOptions): SessionCarrier {
  return options.carrier === 'bearer'
    ? new BearerCarrier()
    : new CookieCarrier(new SessionCookie(options.cookie));
}

class CookieCarrier implements SessionCarrier {
  readonly varyOn = 'Cookie';
  readonly isAmbient = true;
  readonly challenge = null;

  constructor(private readonly cookie: SessionCookie) {}

  read({ headers }: HttpRequest): string | undefined {
    return this.cookie.read(headers.cookie);
  }

  give(response: ServerResponse, token: string, maxAgeMs: number | null): void {
    this.#set(response, this.cookie.set(token, maxAgeMs));
  }

  take(response: ServerResponse): void {
    this.#set(response, this.cookie.clear());
  }

  /** One line for each cookie name and response (RFC 6265bis section 4.1.1): the last one holds. */
  #set(response: ServerResponse, line: string): void {
    const header = response.getHeader('Set-Cookie');
    const lines = header === undefined ? [] : Array.isArray(header) ? header : [String(header)];
    const others = lines.filter((other) => !other.startsWith(`${this.cookie.name}=`));
    response.setHeader('Set-Cookie', [...others, line]);
  }
}

class BearerCarrier implements SessionCarrier {
  readonly varyOn = 'Authorization';
  readonly isAmbient = false;
  readonly challenge = 'Bearer';

  /** What the header or the handshake of a socket says; where both do, the same. */
  read(request: HttpRequest): string | undefined {
    const inHeader = this.#inHeader(request);
    const { offeredToken } = request;
    if (offeredToken === undefined || offeredToken === inHeader) return inHeader;
    return inHeader === undefined && typeof offeredToken === 'string' ? offeredToken : MALFORMED;
  }

  /** `Authorization: Bearer <token>` (RFC 6750 section 2.1): one header, one space, no list. Other schemes are not ours. */
  #inHeader(request: HttpRequest): string | undefined {
    const lines = headerLines(request, 'authorization');
    if (lines.length > 1) return MALFORMED;
    const [scheme, ...credentials] = lines[0]?.split(' ') ?? [];
    if (scheme?.toLowerCase() !== 'bearer') return undefined;
    return credentials.length === 1 ? credentials[0] : MALFORMED;
  }

  give(response: ServerResponse, token: string): void {
    response.setHeader(TOKEN_HEADER, token);
  }

  take(): void {
    // The 401 says it: nothing but the client itself can remove the token.
  }
}
