import type { ServerResponse } from 'node:http';

import type { SessionCarrier } from './session-carrier.js';

type TokenInstruction =
  | { readonly kind: 'give'; readonly token: string; readonly maxAgeMs: number | null }
  | { readonly kind: 'take'; readonly isCourtesy: boolean };

/**
 * What the session adds to a response, decided as the request runs and written into the head at the last moment, so that
 * errors, redirects, streams and answers sent past Nest carry it too, and nothing the handler set weakens it.
 */
export class SessionResponse {
  readonly #carrier: SessionCarrier;
  #wasRead = false;
  #isPrivate = false;
  #token: TokenInstruction | undefined;

  constructor(carrier: SessionCarrier) {
    this.#carrier = carrier;
  }

  /** Notes that the answer depends on whose session it is, or on there being none. */
  markRead(): void {
    this.#wasRead = true;
  }

  /** Notes that the answer is for one client only. */
  markPrivate(): void {
    this.#wasRead = true;
    this.#isPrivate = true;
  }

  /** Gives the client a token, in place of any earlier word on it. */
  give(token: string, maxAgeMs: number | null): void {
    this.markPrivate();
    this.#token = { kind: 'give', token, maxAgeMs };
  }

  /** Tells the client that its token is over. As a courtesy only: not with an answer that says that the server failed. */
  take({ isCourtesy }: { readonly isCourtesy: boolean }): void {
    this.markPrivate();
    this.#token = { kind: 'take', isCourtesy };
  }

  /** Writes the headers; those of a response that no session was asked for stay as they are. */
  writeHead(response: ServerResponse, statusCode: number): void {
    const token = this.#token;
    if (token?.kind === 'give') this.#carrier.give(response, token.token, token.maxAgeMs);
    if (token?.kind === 'take' && !(token.isCourtesy && statusCode >= 500))
      this.#carrier.take(response);
    if (this.#wasRead) addVary(response, this.#carrier.varyOn);
    if (this.#isPrivate) forbidStorage(response);
  }
}

function addVary(response: ServerResponse, name: string): void {
  if (!response.hasHeader('Vary')) return void response.setHeader('Vary', name);
  const fields = fieldsOf(response, 'Vary');
  if (fields.some((field) => field === '*' || field.toLowerCase() === name.toLowerCase())) return;
  response.setHeader('Vary', [...fields, name].join(', '));
}

/** `must-understand` lets caches ignore a `no-store` beside it (RFC 9111 section 5.2.2.3). */
function forbidStorage(response: ServerResponse): void {
  if (!response.hasHeader('Cache-Control')) {
    return void response.setHeader('Cache-Control', 'no-store');
  }
  const directives = fieldsOf(response, 'Cache-Control').map((field) => field.toLowerCase());
  if (directives.includes('no-store') && !directives.includes('must-understand')) return;
  response.setHeader('Cache-Control', 'no-store');
}

function fieldsOf(response: ServerResponse, header: string): string[] {
  return [response.getHeader(header) ?? []]
    .flat()
    .flatMap((line) => String(line).split(','))
    .map((field) => field.trim())
    .filter((field) => field !== '');
}
