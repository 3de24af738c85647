/** Queues on Redis. */
import type { Store } from "../queues/Store.ts"
import { contestants } from "./Contestants.ts"

export const redis: Store = {
  name: "redis",
  title: "Redis",
  contestants,
  syncs: ["everysec", "always"],
  hasPins: false,
  // a process that only works must not load it
  start: async (place) => (await import("./Server.ts")).RedisServer.start(place)
}
