import type { User } from './user.entity.js';

/** What a user is told about themselves. */
export interface UserDescription {
  readonly id: string;
  readonly email: string;
}

export function describeUser({ id, email }: User): UserDescription {
  return { id, email };
}
