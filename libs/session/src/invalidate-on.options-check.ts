import { isRevokeReason } from './core/revoke-reason.js';
import type { InvalidatingEvent } from './invalidation/domain-event-listener.js';
import { OptionsReader } from './options-reader.js';

/** The option `invalidateOn`, with its defaults. Its problems go to `read`. */
export function invalidateOnOf(read: OptionsReader): readonly InvalidatingEvent[] {
  const value = read.take('invalidateOn') ?? [];
  if (Array.isArray(value)) {
    return value.map((entry: unknown, index) => invalidatingEventOf(entry, index, read));
  }
  read.problem(`Expected \`invalidateOn\` to be a list, got a ${typeof value}`);
  return [];
}

function invalidatingEventOf(
  entry: unknown,
  index: number,
  read: OptionsReader,
): InvalidatingEvent {
  const isObject = typeof entry === 'object' && entry !== null;
  const own = new OptionsReader(isObject ? entry : { event: entry });
  const userId = own.take('userId') ?? userIdOf;
  if (typeof userId !== 'function') {
    own.problem(`Expected \`userId\` to be a function, got a ${typeof userId}`);
  }
  const event = own.string('event');
  const reason = own.has('reason') ? own.string('reason') : 'revoked';
  if (reason !== '' && !isRevokeReason(reason)) {
    own.problem(
      'Expected `reason` to be 1 to 64 characters of a-z, 0-9, ".", "_" and "-", got others',
    );
  }
  for (const problem of own.finish()) read.problem(`In \`invalidateOn[${index}]\`: ${problem}`);
  return Object.freeze({ event, userId: userId as InvalidatingEvent['userId'], reason });
}

function userIdOf(payload: unknown): unknown {
  return (payload as { readonly userId?: unknown } | null | undefined)?.userId;
}
