import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';

import { loadPeer } from '../jobs/load-peer.js';
import { recordMetrics } from './record-metrics.js';
import { sessionInstruments } from './session-instruments.js';

/** Applications of this process that record. The channels are the process's, so that one recording serves them all. */
let recorders = 0;
let stopRecording = (): void => {};

/** Records metrics through the global meter provider of `@opentelemetry/api`, for as long as the application lives. */
export class SessionMetrics implements OnModuleInit, OnApplicationShutdown {
  #isRecording = false;

  constructor(private readonly exporter: 'opentelemetry' | 'none') {}

  /** @internal @throws `SESSION_PEER_MISSING` */
  async onModuleInit(): Promise<void> {
    if (this.exporter === 'none') return;
    const { metrics } = await loadPeer(
      '@opentelemetry/api',
      '`metrics: "opentelemetry"`',
      () => import('@opentelemetry/api'),
    );
    this.#isRecording = true;
    recorders += 1;
    if (recorders === 1)
      stopRecording = recordMetrics(sessionInstruments(metrics.getMeter('nestjs-curfew')));
  }

  /** @internal */
  onApplicationShutdown(): void {
    if (!this.#isRecording) return;
    this.#isRecording = false;
    recorders -= 1;
    if (recorders === 0) stopRecording();
  }
}
