import { describe, expect, it } from '@jest/globals';

import { SessionEvents, type SessionEventName } from './session-events.js';

const issued = { sessionId: '1', userId: 'ada', policy: 'default' };

/** Lets everything run that waits for promises only. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function createEvents(): {
  events: SessionEvents;
  failures: { event: SessionEventName; error: unknown }[];
} {
  const failures: { event: SessionEventName; error: unknown }[] = [];
  return { events: new SessionEvents((event, error) => failures.push({ event, error })), failures };
}

describe('SessionEvents', () => {
  it('calls every listener of the name, and no other', () => {
    const { events } = createEvents();
    const heard: unknown[] = [];
    events.on('session:issued', (event) => heard.push(['first', event]));
    events.on('session:issued', (event) => heard.push(['second', event]));
    events.on('session:revoked', (event) => heard.push(['other', event]));
    events.emit('session:issued', issued);
    expect(heard).toEqual([
      ['first', issued],
      ['second', issued],
    ]);
  });

  it('stops one listener and leaves the others', () => {
    const { events } = createEvents();
    const heard: string[] = [];
    const listener = (): void => void heard.push('twice');
    const stop = events.on('session:issued', listener);
    events.on('session:issued', listener);
    stop();
    stop();
    events.emit('session:issued', issued);
    expect(heard).toEqual(['twice']);
  });

  it('keeps a listener that throws from the emitter and from its neighbours', () => {
    const { events, failures } = createEvents();
    const heard: unknown[] = [];
    const failure = new Error('the listener failed');
    events.on('session:issued', () => {
      throw failure;
    });
    events.on('session:issued', (event) => heard.push(event));
    expect(() => events.emit('session:issued', issued)).not.toThrow();
    expect(heard).toEqual([issued]);
    expect(failures).toEqual([{ event: 'session:issued', error: failure }]);
  });

  it('takes care of a listener that rejects', async () => {
    const { events, failures } = createEvents();
    const failure = new Error('the listener failed');
    events.on('session:issued', () => Promise.reject(failure));
    events.emit('session:issued', issued);
    await turn();
    expect(failures).toEqual([{ event: 'session:issued', error: failure }]);
  });

  it('does not wait for a listener that hangs', () => {
    const { events } = createEvents();
    const heard: unknown[] = [];
    events.on('session:issued', () => new Promise(() => {}));
    events.on('session:issued', (event) => heard.push(event));
    events.emit('session:issued', issued);
    expect(heard).toEqual([issued]);
  });

  it('reaches no one without listeners', () => {
    const { events, failures } = createEvents();
    expect(() => events.emit('store:recovered', {})).not.toThrow();
    expect(failures).toEqual([]);
  });

  it('drops failures of listeners where nobody asks for them', async () => {
    const events = new SessionEvents();
    events.on('session:issued', () => {
      throw new Error('thrown');
    });
    events.on('session:issued', () => Promise.reject(new Error('rejected')));
    expect(() => events.emit('session:issued', issued)).not.toThrow();
    await turn();
  });
});
