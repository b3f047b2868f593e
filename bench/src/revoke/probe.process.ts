import { Client } from 'undici';

import { handle } from '../processes/handlers.js';
import { exchange } from '../request/exchange.js';
import { sharedNow } from '../shared-clock.js';

export interface SignInInput {
  readonly url: string;
  readonly userId: string;
}

export interface ProbeInput {
  readonly url: string;
  readonly cookie: string;
}

export interface ProbeReport {
  /** When the last request was sent that was answered as if the session lived, by the clock that is shared. */
  readonly lastAcceptedAt: number;
  readonly accepted: number;
}

const clients = new Map<string, Client>();

handle({
  /** @returns the cookie */
  async signIn({ url, userId }: SignInInput): Promise<string> {
    const { status, cookie } = await exchange(clientOf(url), 'POST', `/login/${userId}`, null);
    if (status !== 201 || cookie === null)
      throw new Error(`Expected a sign-in to answer 201 and a cookie, got ${status}.`);
    return cookie;
  },

  async status({ url, cookie }: ProbeInput): Promise<number> {
    return (await exchange(clientOf(url), 'GET', '/me', cookie)).status;
  },

  /** One request after another until one is refused. */
  async untilRefused({ url, cookie }: ProbeInput): Promise<ProbeReport> {
    let lastAcceptedAt = 0;
    for (let accepted = 0; ; accepted += 1) {
      const sentAt = sharedNow();
      const { status } = await exchange(clientOf(url), 'GET', '/me', cookie);
      if (status === 401) return { lastAcceptedAt, accepted };
      if (status !== 200) throw new Error(`Expected 200 or 401, got ${status}.`);
      lastAcceptedAt = sentAt;
    }
  },
});

function clientOf(url: string): Client {
  const client = clients.get(url) ?? new Client(url, { pipelining: 1 });
  clients.set(url, client);
  return client;
}
