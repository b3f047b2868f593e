import { Controller, Get } from '@nestjs/common';
import { HealthCheck, type HealthCheckResult, HealthCheckService } from '@nestjs/terminus';
import { SessionHealthIndicator } from 'nestjs-curfew';

/** For whoever supervises a worker: what a web process can do without is what a worker is there for. */
@Controller('health')
export class WorkerHealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly sessions: SessionHealthIndicator,
  ) {}

  /** 200 where sessions are purged and swept; 503 where they are not, or where this process is too busy to be asked. */
  @Get()
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    const downOn = ['queue-unreachable', 'no-worker', 'purge-late', 'purge-overdue'] as const;
    return this.health.check([() => this.sessions.check('session', { downOn })]);
  }
}
