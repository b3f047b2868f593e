// What the bench uses of packages that only the bench installs, so that its types can be checked without them.

declare module 'connect-pg-simple' {
  import type { Pool } from 'pg';
  import type { SessionOptions, Store } from 'express-session';

  interface Options {
    pool: Pool;
    createTableIfMissing?: boolean;
    disableTouch?: boolean;
    pruneSessionInterval?: number | false;
  }
  export default function connectPgSimple(
    session: (options: SessionOptions) => unknown,
  ): new (options: Options) => Store;
}

declare module 'connect-redis' {
  import type { Store } from 'express-session';

  export const RedisStore: new (options: { client: unknown; prefix: string }) => Store;
}

declare module 'redis' {
  export function createClient(options: { url: string }): {
    connect(): Promise<unknown>;
    on(event: 'error', listener: (error: Error) => void): unknown;
  };
}

declare module '@fastify/cookie' {
  import type { FastifyPluginCallback } from 'fastify';

  const cookie: FastifyPluginCallback;
  export default cookie;
}

declare module '@fastify/session' {
  import type { FastifyPluginCallback } from 'fastify';

  const session: FastifyPluginCallback<{
    secret: string;
    store: unknown;
    saveUninitialized: boolean;
    cookie: { maxAge: number; secure: boolean };
  }>;
  export default session;
}

declare module 'undici' {
  interface Handlers {
    onConnect(): void;
    onHeaders(status: number, headers: readonly Buffer[]): boolean;
    onData(chunk: Buffer): boolean;
    onComplete(): void;
    onError(error: Error): void;
  }
  interface Request {
    readonly method: 'GET' | 'POST';
    readonly path: string;
    readonly headers: readonly string[];
  }
  export class Client {
    constructor(origin: string, options?: { readonly pipelining?: number });
    dispatch(request: Request, handlers: Handlers): boolean;
    close(): Promise<void>;
  }
}
