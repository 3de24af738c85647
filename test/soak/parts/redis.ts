import * as Generator from "../../../src/simulation/kernel/Generator.ts"
import * as Killing from "../../backends/redis/Killing.ts"
import { Redis } from "../../support/servers/Redis.ts"
import type { Part } from "../Part.ts"

/** Kills of one server: bounded, so that a long soak is many histories and not one that only grows. */
const perServer = 25

/** Redis servers that wait for their disk and are killed with SIGKILL under load; each case is one server. */
export const redis: Part = {
  name: "redis",
  unit: `servers with up to ${perServer} kills`,
  run: async ({ goOn, position }) => {
    const server = await Redis.start()
    try {
      const report = await Killing.run({
        log: { server: { _tag: "Url", url: server.url() } },
        strike: () => Killing.kill(server),
        goOn: (strikes) => strikes < perServer && (strikes === 0 || goOn()),
        random: Generator.make(position).next
      })
      return {
        position: position + 1,
        counters: {
          kills: report.strikes,
          "jobs acknowledged": report.enqueued,
          "jobs completed": report.completed,
          "calls without an answer": report.unknown
        },
        violations: report.violations
      }
    } finally {
      await server.close()
    }
  }
}
