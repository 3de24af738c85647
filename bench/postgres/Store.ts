/** Queues on PostgreSQL. */
import type { Store } from "../queues/Store.ts"
import { contestants } from "./Contestants.ts"

export const postgres: Store = {
  name: "postgres",
  title: "PostgreSQL",
  contestants,
  syncs: [],
  hasPins: true,
  // a process that only works must not load it
  start: async (place) => (await import("./Server.ts")).PostgresServer.start(place)
}
