import { adding100, adding400 } from './adding.js';
import { copying } from './copying.js';
import { parity } from './parity.js';
import { reberLong, reberShort } from './reber.js';
import { slots } from './slots.js';
import type { Task } from './task.js';

export const tasks: readonly Task[] = [slots, parity, reberShort, reberLong, adding100, adding400, copying];
