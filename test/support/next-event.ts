import type {
  SessionEventMap,
  SessionEventName,
  SessionEvents,
} from '../../libs/session/src/core/session-events.js';

/** Resolves with the next event of that name which matches; begins to listen at once. */
export function nextEvent<Name extends SessionEventName>(
  events: SessionEvents,
  name: Name,
  matches: (event: SessionEventMap[Name]) => boolean = () => true,
): Promise<SessionEventMap[Name]> {
  return new Promise((resolve) => {
    const stop = events.on(name, (event) => {
      if (!matches(event)) return;
      stop();
      resolve(event);
    });
  });
}

/** Collects every event of that name from now on. */
export function collectEvents<Name extends SessionEventName>(
  events: SessionEvents,
  name: Name,
): SessionEventMap[Name][] {
  const collected: SessionEventMap[Name][] = [];
  events.on(name, (event) => void collected.push(event));
  return collected;
}
