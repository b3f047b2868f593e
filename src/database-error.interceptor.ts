import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  Logger,
  type NestInterceptor,
  ServiceUnavailableException,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { catchError, type Observable, throwError, timeout, TimeoutError } from 'rxjs';
import { QueryFailedError } from 'typeorm';

/** Longest wait for a handler: below the drivers' own time limits, where they have any. */
const DEADLINE_MS = 4000;

/** Codes of sockets, of PostgreSQL (classes 08 and 57P) and of mysql2 that say: no database, and not: a bad statement. */
const OUTAGE_CODE =
  /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN|08...|57P..|PROTOCOL_CONNECTION_LOST)$/;

/** Codes of PostgreSQL and of mysql2 that say: a database that takes no writes. */
const READ_ONLY_CODE =
  /^(25006|ER_(CANT_EXECUTE_IN_READ_ONLY_TRANSACTION|OPTION_PREVENTS_STATEMENT|READ_ONLY_MODE))$/;

/** What `pg` says, without a code, of a connection that broke. */
const OUTAGE_MESSAGE = /^Connection terminated/;

/**
 * Answers 503 where a handler's own queries find no database, one that hangs, or one that takes no writes, as Curfew does
 * for its sessions: the client may try again. Of any other failed query only the code is kept, as Nest logs an error with
 * all that it holds, and TypeORM's holds the parameters, password hashes among them.
 */
@Injectable()
export class DatabaseErrorInterceptor implements NestInterceptor {
  readonly #logger = new Logger('Database');

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      timeout({ first: DEADLINE_MS }),
      catchError((error: unknown) => {
        const outage = outageOf(error);
        if (outage === undefined) return throwError(() => withoutParameters(error));
        this.#logger.warn(`no answer: ${outage}`);
        const response: unknown = context.switchToHttp().getResponse();
        this.adapterHost.httpAdapter.setHeader(response, 'Retry-After', '1');
        return throwError(() => new ServiceUnavailableException());
      }),
    );
  }
}

function outageOf(error: unknown): string | undefined {
  if (error instanceof TimeoutError) return 'deadline';
  if (!(error instanceof Error)) return undefined;
  const code = codeOf(error);
  if (OUTAGE_CODE.test(code) || READ_ONLY_CODE.test(code)) return code;
  return OUTAGE_MESSAGE.test(error.message) ? 'connection terminated' : undefined;
}

function withoutParameters(error: unknown): unknown {
  if (!(error instanceof QueryFailedError)) return error;
  return new Error(`a query failed: ${codeOf(error)}`);
}

/** TypeORM copies the driver's code to its own error. */
function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : 'no code';
}
