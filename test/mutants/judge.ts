/** The process in which mutants are judged: see `judging.ts`. */
import { judges } from "./judges.ts"
import type { Answer, Question } from "./judging.ts"
import { loading } from "./load.ts"
import { sourceMutants } from "./sources.ts"

const answer = async ({ index, judge, law, ...options }: Question): Promise<Answer> => {
  const mutant = sourceMutants[index]
  const judged = judges[judge]
  if (mutant === undefined) return { _tag: "Failed", message: "there is no such mutant" }
  try {
    return { _tag: "Judged", verdict: await judged(loading(mutant), law ?? mutant.law, options) }
  } catch (error) {
    return { _tag: "Failed", message: error instanceof Error ? error.message : String(error) }
  }
}

// what a broken log leaves behind does not concern the next one
process.on("unhandledRejection", () => {})
process.on("message", (question) => {
  // only `judging.ts` sends messages
  void answer(question as Question).then((found) => process.send?.(found))
})
