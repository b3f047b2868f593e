/**
 * A source of the time, in epoch milliseconds.
 *
 * Without one in the options, stores use the database's own clock inside each statement, so that the clocks of the
 * application's machines decide nothing. Tests give one to move the time by hand.
 */
export abstract class Clock {
  abstract now(): number;
}

/** Measures spans and tells no date: whole milliseconds, which setting the machine's clock does not move. */
export class Stopwatch extends Clock {
  now(): number {
    return Math.floor(performance.now());
  }
}

/** The clock of this process: for the memory store and for what never decides whether a session is live. */
export class SystemClock extends Clock {
  now(): number {
    return Date.now();
  }
}
