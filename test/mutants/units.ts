/**
 * `node test/mutants/units.ts`: each mutant that is left to a unit test must be noticed by it, and the unchanged sources
 * must not. The exit code is 1 otherwise.
 */
import { UnitCopy } from "./UnitCopy.ts"
import { unitMutants } from "./unitMutants.ts"

const copy = new UnitCopy()
try {
  for (const mutant of unitMutants) {
    const problem = copy.problemOf(mutant)
    if (problem !== undefined) process.exitCode = 1
    process.stdout.write(`${problem ?? `${mutant.file}: ${mutant.name}: killed`}\n`)
  }
} finally {
  copy.remove()
}
