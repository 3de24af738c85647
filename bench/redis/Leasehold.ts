/** Leasehold on Redis. */
import * as Redacted from "effect/Redacted"
import * as RedisLog from "../../src/backends/redis/RedisLog.ts"
import { leasehold } from "../queues/Leasehold.ts"

export const adapter = leasehold((url) => RedisLog.layerUrl({ url: Redacted.make(url) }))
