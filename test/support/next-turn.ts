import { setImmediate } from 'node:timers/promises';

let turn: Promise<void> | undefined;

/**
 * Waits for the next turn of the event loop, in which all go on that wait for it, side by side. SQLite answers within a
 * turn: whoever never waits for one keeps every timer from being heard, and in a turn of its own has no company.
 */
export function nextTurn(): Promise<void> {
  turn ??= begin();
  return turn;
}

async function begin(): Promise<void> {
  await setImmediate();
  turn = undefined;
}
