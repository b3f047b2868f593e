import type { EntitySubscriberInterface } from 'typeorm';

import { Turnstile } from './turnstile.js';

/** Holds the first statement that matches until it is let through. Push it to the subscribers of a data source. */
export class Gate implements EntitySubscriberInterface {
  readonly turnstile = new Turnstile();
  #isUsed = false;

  constructor(private readonly pattern: RegExp) {}

  async beforeQuery({ query }: { query: string }): Promise<void> {
    if (this.#isUsed || !this.pattern.test(query)) return;
    this.#isUsed = true;
    await this.turnstile.pass();
  }
}
