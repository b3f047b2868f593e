/** A server that carries the messages, and under which name they go: processes with the same name hear each other. */
export interface ChannelServer {
  /** A URL, and options of ioredis or of `pg.Client`. */
  readonly connection: { readonly url?: string } & Readonly<Record<string, unknown>>;
  readonly name: string;
}
