import { RedisSentinel } from "../support/servers/RedisSentinel.ts"
import { quiet } from "./redisHarness.ts"
import { placeLaws } from "./redisPlaceLaws.ts"
import { watched } from "./redisPlaces.ts"

placeLaws(
  "redis, sentinel",
  "redis log by Sentinel, whose process dies, or the master, or another becomes it",
  async () => {
    // that the master is down is not to be noticed before it is back
    const sentinel = await RedisSentinel.start({ settings: quiet, downAfter: 60_000 })
    return { place: watched(sentinel), close: () => sentinel.close() }
  }
)
