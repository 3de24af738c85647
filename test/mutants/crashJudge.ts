/**
 * `crashJudge.ts <index>...`: runs crash states on mutants until they are found out; one line of JSON for each. In a
 * process of its own, since modules are loaded in other versions than they are on disk.
 */
import type * as CrashStates from "../simulation/crash-states/CrashStates.ts"
import { crashMutants } from "./crashMutants.ts"
import { loading } from "./load.ts"

for (const index of process.argv.slice(2).map(Number)) {
  const mutant = crashMutants[index]
  if (mutant === undefined) throw new RangeError(`there is no mutant ${index}`)
  const load = loading({ ...mutant, judges: [], law: "" })
  // the copy has the shape of the original
  const copy = (await load("test/simulation/crash-states/CrashStates.ts")) as typeof CrashStates
  const result = copy.runCrashStates({ maxLength: 2, everyByteUpTo: 0, secondCrashUpTo: 1, stopAtViolation: true })
  const [violation] = result.violations
  process.stdout.write(
    `${JSON.stringify({ name: mutant.name, states: Math.max(1, result.counters.states), violation })}\n`
  )
}
