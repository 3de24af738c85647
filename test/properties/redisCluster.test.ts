import { RedisCluster } from "../support/servers/RedisCluster.ts"
import { clock, quiet } from "./redisHarness.ts"
import { placeLaws } from "./redisPlaceLaws.ts"
import { Clustered } from "./redisPlaces.ts"
import { seed } from "./runs.ts"

placeLaws(
  "redis, cluster",
  "redis log in a Cluster that moves it, whose process dies, or the node that has it",
  async () => {
    const cluster = await RedisCluster.start({ settings: quiet })
    return { place: await Clustered.make(cluster, clock, seed()), close: () => cluster.close() }
  }
)
