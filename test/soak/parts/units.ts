import { UnitCopy } from "../../mutants/UnitCopy.ts"
import { unitMutants } from "../../mutants/unitMutants.ts"
import type { Part } from "../Part.ts"

/** Mutants that a unit test has to notice; each case is one of them. */
export const units: Part = {
  name: "units",
  unit: "mutants that a unit test notices",
  run: async ({ goOn, position }) => {
    const copy = new UnitCopy()
    const violations: Array<string> = []
    let at = position
    try {
      while (at < unitMutants.length) {
        const problem = copy.problemOf(unitMutants[at++]!)
        if (problem !== undefined) violations.push(problem)
        if (!goOn()) break
      }
    } finally {
      copy.remove()
    }
    return {
      position: at,
      counters: { killed: at - position - violations.length },
      violations,
      done: at >= unitMutants.length
    }
  }
}
