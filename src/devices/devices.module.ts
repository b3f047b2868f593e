import { Module } from '@nestjs/common';

import { UsersModule } from '../users/users.module.js';
import { DevicesController } from './devices.controller.js';
import { MeController } from './me.controller.js';

@Module({ imports: [UsersModule], controllers: [DevicesController, MeController] })
export class DevicesModule {}
