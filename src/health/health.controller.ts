import { Controller, Get } from '@nestjs/common';
import { HealthCheck, type HealthCheckResult, HealthCheckService } from '@nestjs/terminus';
import { SessionHealthIndicator, SkipSession } from 'nestjs-curfew';

/** For load balancers: without a queue and without a worker people still sign in, and sessions still end. */
@SkipSession()
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly sessions: SessionHealthIndicator,
  ) {}

  /** 200 where the app can serve, with what else is wrong among the warnings; 503 where the database does not answer. */
  @Get()
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.health.check([() => this.sessions.check('session')]);
  }
}
