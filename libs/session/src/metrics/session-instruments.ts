type Attributes = Readonly<Record<string, string>>;

interface InstrumentOptions {
  unit: string;
  description: string;
  advice?: { explicitBucketBoundaries: number[] };
}

interface Recorder {
  record(value: number, attributes?: Attributes): void;
}

interface Counter {
  add(value: number, attributes?: Attributes): void;
}

/** What is used of OpenTelemetry's `Meter`: its types must not reach those of the package, as it is an optional peer. */
interface Meter {
  createHistogram(name: string, options: InstrumentOptions): Recorder;
  createGauge(name: string, options: InstrumentOptions): Recorder;
  createCounter(name: string, options: InstrumentOptions): Counter;
}

/** Durations are in seconds, as OpenTelemetry's conventions want them: from half a millisecond to the deadline. */
const SECONDS = {
  unit: 's',
  advice: {
    explicitBucketBoundaries: [
      0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
    ],
  },
};

/** Statements of the purge aim at 10 ms, and its runs have 20 seconds. */
const RUN_SECONDS = {
  unit: 's',
  advice: {
    explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
  },
};

/** The instruments of Curfew. `docs/operations.md` lists them. */
export function sessionInstruments(meter: Meter) {
  return {
    resolve: meter.createHistogram('curfew.session.resolve.duration', {
      ...SECONDS,
      description: 'Time to find out what a presented token amounts to',
    }),
    lookupSize: meter.createHistogram('curfew.session.lookup.size', {
      unit: '{session}',
      advice: { explicitBucketBoundaries: [1, 2, 5, 10, 20, 50, 100, 200, 500] },
      description: 'Sessions looked up by one statement',
    }),
    touches: meter.createCounter('curfew.session.touches', {
      unit: '{touch}',
      description: 'Activity of sessions, written, skipped or lost',
    }),
    revocations: meter.createCounter('curfew.session.revocations', {
      unit: '{session}',
      description: 'Sessions that were ended, by reason',
    }),
    denials: meter.createCounter('curfew.session.denials', {
      unit: '{request}',
      description: 'Requests that were refused, by code',
    }),
    reuses: meter.createCounter('curfew.session.reuse_detections', {
      unit: '{token}',
      description: 'Replaced tokens that were presented after the grace',
    }),
    purgedRows: meter.createCounter('curfew.purge.rows', {
      unit: '{row}',
      description: 'Rows that the purge deleted, by why their sessions had ended',
    }),
    purgeRun: meter.createHistogram('curfew.purge.duration', {
      ...RUN_SECONDS,
      description: 'Length of a run of the purge',
    }),
    slowestStatement: meter.createHistogram('curfew.purge.slowest_statement.duration', {
      ...RUN_SECONDS,
      description: 'Slowest statement of a run of the purge',
    }),
    oldestOverdue: meter.createGauge('curfew.purge.oldest_overdue', {
      unit: 's',
      description: 'How long the most overdue row of the last run had been waiting',
    }),
    purgeFailures: meter.createCounter('curfew.purge.failures', {
      unit: '{run}',
      description: 'Runs of the purge that failed',
    }),
    outages: meter.createCounter('curfew.store.outages', {
      unit: '{outage}',
      description: 'Times that the database was found out of reach',
    }),
    ignoredMessages: meter.createCounter('curfew.channel.ignored_messages', {
      unit: '{message}',
      description: 'Messages on the channel between processes that were ignored',
    }),
    listenerFailures: meter.createCounter('curfew.event.listener_failures', {
      unit: '{failure}',
      description: 'Listeners of session events that threw or rejected',
    }),
  };
}

export type SessionInstruments = ReturnType<typeof sessionInstruments>;
