import { STATUS_CODES, type ServerResponse } from 'node:http';

import { HttpException, Logger } from '@nestjs/common';

import { RETRY_AFTER_SECONDS, statusOf } from '../core/error-status.js';
import { isSessionError, type SessionErrorCode } from '../core/errors.js';

/** What a refusal tells beside its code. */
export interface RefusalDetails {
  readonly reason?: string;
  readonly revokeReason?: string;
  readonly expiry?: 'idle' | 'absolute';
  readonly maxAgeMs?: number;
  readonly aal?: number;
}

/** The body of every refusal. It holds no message: messages are for the application's log. */
export interface SessionRefusal extends RefusalDetails {
  readonly statusCode: number;
  readonly error: string;
  readonly code: SessionErrorCode;
}

/** A refusal, for Nest's filters. */
export class SessionException extends HttpException {
  constructor(
    readonly refusal: SessionRefusal,
    options?: { readonly cause: unknown },
  ) {
    super(refusal, refusal.statusCode, options);
    this.message = refusal.error;
  }
}

/** The exception that refuses a request, for Nest's filters. */
export function refuse(code: SessionErrorCode, details: RefusalDetails = {}): SessionException {
  return new SessionException(refusalOf(code, details));
}

/**
 * A `SessionError` as the exception for Nest's filters, with the headers that its status asks for on the response. Any
 * other error comes back as it is.
 */
export function toHttpError(error: unknown, response: ServerResponse | null): unknown {
  if (!isSessionError(error)) return error;
  prepareAnswer(error, statusOf(error.code), response);
  return new SessionException(refusalOf(error.code), { cause: error });
}

/** The body that answers an error where Nest's filters are out of reach. What is no refusal is logged: nobody else will. */
export function answerTo(
  error: unknown,
  response: ServerResponse,
): SessionRefusal | { readonly statusCode: number; readonly error: string } {
  const refusal = isSessionError(error)
    ? refusalOf(error.code)
    : { statusCode: 500, error: 'Internal Server Error' };
  prepareAnswer(error, refusal.statusCode, response);
  return refusal;
}

function prepareAnswer(error: unknown, statusCode: number, response: ServerResponse | null): void {
  if (statusCode === 500) new Logger('Session').error(error);
  if (statusCode === 503 && response?.headersSent === false) {
    response.setHeader('Retry-After', RETRY_AFTER_SECONDS);
  }
}

function refusalOf(code: SessionErrorCode, details: RefusalDetails = {}): SessionRefusal {
  const statusCode = statusOf(code);
  const isFault = statusCode === 500;
  return {
    statusCode,
    error: STATUS_CODES[statusCode] ?? 'Error',
    code,
    ...(isFault ? {} : { reason: reasonOf(code) }),
    ...details,
  };
}

/** What a client goes by where nothing more precise is known: `ended` for `SESSION_ENDED`. */
function reasonOf(code: SessionErrorCode): string {
  return code.replace('SESSION_', '').toLowerCase();
}
