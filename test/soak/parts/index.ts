import type { Part } from "../Part.ts"
import { crashes } from "./crashes.ts"
import { fleets } from "./fleets.ts"
import { kills } from "./kills.ts"
import { properties } from "./laws.ts"
import { postgres } from "./postgres.ts"
import { redis } from "./redis.ts"
import { syscalls } from "./syscalls.ts"
import { units } from "./units.ts"

/** In the order in which a soak begins them. */
export const parts: ReadonlyArray<Part> = [fleets, crashes, properties, syscalls, kills, postgres, redis, units]
