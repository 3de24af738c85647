/**
 * `npm run canary`: one log that is broken on purpose must be found out, and the unbroken one must not. Its settle
 * does not check the fencing token. The exit code is 1 when the suite lets it pass, or calls the sound log broken.
 */
import { judges } from "./judges.ts"
import { loading } from "./load.ts"
import type { JudgeName, SourceMutant } from "./SourceMutant.ts"

const canary: SourceMutant = {
  name: "settle does not check the token",
  file: "src/model/Transition.ts",
  find: "if (job.token !== token || job.session !== session) return",
  replace: "if (job.session !== session) return",
  judges: ["memory", "file"],
  law: "staleTokenRefused"
}

/** Changes nothing, so that the sound log is judged in the very same way. */
const sound: SourceMutant = { ...canary, name: "unbroken", replace: canary.find }

/** The broken log dies within a few dozen histories. */
const most: Readonly<Partial<Record<JudgeName, number>>> = { memory: 1000, file: 1000 }

let failed = false
for (const judge of canary.judges) {
  const judged = judges[judge]
  const runs = most[judge]
  if (runs === undefined) throw new Error(`no judge ${judge}`)
  const broken = await judged(loading(canary), canary.law, { seed: 1, runs })
  const unbroken = await judged(loading(sound), canary.law, { seed: 1, runs: broken.after })
  const found = broken.killed ? `killed by ${broken.by} after ${broken.after} histories` : `SURVIVED ${broken.after}`
  const calm = unbroken.killed ? `CALLED BROKEN by ${unbroken.by}` : `sound over the same ${unbroken.after}`
  process.stdout.write(`${judge}: ${canary.name}: ${found}; the log itself: ${calm}\n`)
  failed ||= !broken.killed || unbroken.killed
}
process.exit(failed ? 1 : 0)
