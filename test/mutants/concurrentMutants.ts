import { answerMutants } from "./concurrent/answers.ts"
import { claimMutants } from "./concurrent/claims.ts"
import { settlementMutants } from "./concurrent/settlements.ts"
import type { Mutant } from "./Mutant.ts"

/** Logs that are only wrong when several use them at once or an answer gets lost. */
export const concurrentMutants: ReadonlyArray<Mutant> = [...claimMutants, ...settlementMutants, ...answerMutants]
