import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Generator from "../../../src/simulation/kernel/Generator.ts"
import * as Killing from "../../process/Killing.ts"
import type { Part } from "../Part.ts"

/** Kills in one directory: bounded, so that a long soak is many histories and not one that only grows. */
const perDirectory = 25

/** Worker processes that are killed with SIGKILL at random; each case is one directory. */
export const kills: Part = {
  name: "kills",
  unit: `directories with up to ${perDirectory} kills`,
  run: async ({ goOn, position }) => {
    const directory = mkdtempSync(join(tmpdir(), "leasehold-soak-"))
    const report = await Killing.run({
      directory,
      goOn: (done) => done < perDirectory && (done === 0 || goOn()),
      random: Generator.make(position).next,
      life: 400
    })
    if (report.violations.length === 0) rmSync(directory, { recursive: true, force: true })
    return {
      position: position + 1,
      counters: {
        kills: report.kills,
        "jobs acknowledged": report.enqueued,
        "jobs completed": report.completed,
        runs: report.runs,
        "runs repeated by kills": report.repeated
      },
      violations: report.violations.map((violation) => `${violation} (the log is kept in ${directory})`)
    }
  }
}
