/** What a link tells about itself. */
export interface LinkListeners {
  onMessage(text: string): void;
  /** The link is of no use any more. May be called more than once. */
  onLost(error: unknown): void;
}

/** One connection to the server that carries the messages. It does not come back: open another. */
export interface ChannelLink {
  /** Resolves when all that is sent from then on is heard here as well; rejects where that cannot be. */
  readonly ready: Promise<void>;
  /** Resolves when the server has taken the message. Bounded in time. */
  send(text: string): Promise<void>;
  /** Drops the connection without a word to the server. */
  cut(): void;
}

/** Begins to connect. Throws nothing: a failure comes by `ready` or `onLost`. */
export type OpenLink = (listeners: LinkListeners) => ChannelLink;

/** Longest wait for the answer to one command. */
export const COMMAND_DEADLINE_MS = 2000;
