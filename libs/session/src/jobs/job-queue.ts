/** Where the queue is kept. */
export interface QueueSettings {
  readonly backend: 'redis' | 'postgres';
  /** A URL, and options of ioredis or of `pg.Pool`. */
  readonly connection: { readonly url?: string } & Readonly<Record<string, unknown>>;
  readonly queueName: string;
  /** BullMQ's key prefix, or its schema. */
  readonly prefix?: string;
}

/** A job as BullMQ delivers it. */
export interface QueuedJob {
  readonly id?: string | undefined;
  readonly name: string;
  readonly data: unknown;
}

export type JobProcessor = (job: QueuedJob) => Promise<unknown>;

/** The options of a job that the drivers use. */
export interface QueuedJobOptions {
  readonly attempts?: number;
  readonly backoff?: { readonly type: 'exponential'; readonly delay: number };
}

/** What the drivers use of BullMQ's `Queue`: its types must not reach those of the package, as it is an optional peer. */
export interface JobQueue {
  add(name: string, data: unknown, options?: QueuedJobOptions): Promise<unknown>;
  addBulk(jobs: { name: string; data: unknown; opts?: QueuedJobOptions }[]): Promise<unknown>;
  /** How many workers are connected to the queue. */
  getWorkersCount(): Promise<number>;
  getJobScheduler(id: string): Promise<{ every?: number; next?: number } | undefined>;
  removeJobScheduler(id: string): Promise<boolean>;
  upsertJobScheduler(
    id: string,
    repeat: { every: number },
    template: { name: string; data: unknown },
  ): Promise<unknown>;
}

/** A connection that only adds jobs. It gives up at once where a worker's would wait. */
export interface QueueProducer {
  readonly queue: JobQueue;
  /** Whether the connection may still work. One that was lost does not come back: open another. */
  isOpen(): boolean;
  /** What the server does when its memory is full, in Redis's words; `null` where nothing is evicted or nobody may ask. */
  evictionPolicy(): Promise<string | null>;
  close(): Promise<void>;
  /** Drops the connection without a word to the server. */
  cut(): void;
}

/** A connection that takes jobs and keeps the schedule. It waits for a server that is down. */
export interface QueueConsumer {
  readonly queue: JobQueue;
  /** Resolves when the server has answered; rejects where the connection will not recover by itself. */
  waitUntilReady(): Promise<void>;
  /** Stops taking jobs, waits for those that run, and disconnects: first the worker, then the queue. */
  close(): Promise<void>;
  /** Drops the connections without a word to the server. */
  cut(): void;
}

export interface ConsumerListeners {
  onError(error: Error): void;
  onFailed(job: QueuedJob | undefined, error: Error): void;
}

/** BullMQ on one kind of server. */
export interface QueueBackend {
  /** Brings the queue's own schema up to date, where the server has one. Safe beside others that do the same. */
  prepare(): Promise<void>;
  /** Whether an error says that no worker has prepared the queue yet. */
  isUnprepared(error: unknown): boolean;
  openProducer(onError: (error: Error) => void): QueueProducer;
  openConsumer(process: JobProcessor, listeners: ConsumerListeners): QueueConsumer;
  /** An error after which BullMQ does not try the job again. */
  unrecoverable(message: string): Error;
}
